"""The till: stands in for a payment provider, which no database can roll back.

A provider reserves the money first and takes it later, or lets it go. It lives outside the
database, so when a transaction is rolled back nothing undoes the reservation but code that runs
after the rollback.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from .exceptions import TillClosed


@dataclass
class Till:
    """Payments by the reference of their order."""

    is_open: bool = True
    held: set[UUID] = field(default_factory=set)
    taken: dict[UUID, Decimal] = field(default_factory=dict)
    released: list[UUID] = field(default_factory=list)

    def hold(self, reference: UUID) -> None:
        """Reserve the customer's money.

        Raises:
            TillClosed: nobody is there to do it.
        """
        if not self.is_open:
            raise TillClosed("Our till is closed at the moment. Please try again later.")
        self.held.add(reference)

    def take(self, reference: UUID, amount: Decimal) -> None:
        """Take what was reserved."""
        self.held.discard(reference)
        self.taken[reference] = amount

    def release(self, reference: UUID) -> None:
        """Let go what was reserved; nothing happens when there is nothing."""
        if reference in self.held:
            self.held.discard(reference)
            self.released.append(reference)


till = Till()
