"""What a typed signal carries, read from its dataclass when the signal is declared."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from typing import Any, get_origin

from signalkit.declare.blame import blame
from signalkit.declare.callables import signature_of
from signalkit.declare.naming import caller_outside
from signalkit.exceptions import DeclarationError
from signalkit.typed.for_checkers import Load
from signalkit.typed.kinds import Kind, kind_of
from signalkit.typed.names import Names, NotYet, Unresolvable

if sys.version_info >= (3, 14):
    import annotationlib

# How Python writes an annotation in quotes when it is part of another.
_FORWARD = re.compile(r"ForwardRef\('([^']*)'[^)]*\)")

RESERVED = {
    "self": "methods are receivers, too",
    "signal": "every receiver is called with the signal itself by this name",
    "sender": "every receiver is called with the sender by this name",
    "robust": "send_on_commit() has an option of this name",
}
"""Names that a field cannot have, with the reason."""


@dataclass(frozen=True, slots=True)
class Field:
    """One keyword that a typed signal is sent with."""

    name: str
    annotation: Any
    names: Callable[[Load | None], Names]
    """Makes what the names in the annotation stand for."""

    is_sent: bool
    """False for one that the dataclass makes itself (``init=False``)."""

    default: Any = MISSING
    default_factory: Any = MISSING

    @property
    def is_required(self) -> bool:
        """Whether a sender has to give it."""
        return self.default is MISSING and self.default_factory is MISSING

    @property
    def expected(self) -> str:
        """The annotation, for people."""
        text = self.annotation
        if isinstance(text, type) and get_origin(text) is None:
            return text.__qualname__
        text = _FORWARD.sub(r"\1", str(text))
        return text.strip("'\"").replace("typing.", "")

    def make(self) -> Any:
        """Return what stands in for a value that was not given."""
        return self.default if self.default_factory is MISSING else self.default_factory()


@dataclass(frozen=True, slots=True)
class Description:
    """A payload as it was declared."""

    payload: type
    where: str
    """Who declared it and where, for messages."""

    file: str
    fields: tuple[Field, ...]
    is_built: bool
    """Whether an instance has to be made to know the values: the dataclass computes some."""

    @property
    def sent(self) -> tuple[Field, ...]:
        """The fields that a sender may give."""
        return tuple(field for field in self.fields if field.is_sent)

    def read(self, load: Load | None, kinds: dict[str, Kind]) -> None:
        """Find what the value of each field that is sent has to be.

        Args:
            load: how modules are found that annotations name.
            kinds: what was found before, which still holds: an app may be out of INSTALLED_APPS
                for a while. What is found now is added.

        Raises:
            NotYet: an annotation names what may come to be known.
            DeclarationError: one cannot be read, or a default is not what it says.
        """
        waiting: NotYet | None = None
        with blame(self.file):
            # What is wrong comes before what may yet come to be known.
            for field in self.sent:
                if field.name in kinds:
                    continue
                try:
                    kind = kind_of(field.annotation, field.names(load))
                except NotYet as error:
                    waiting = error
                    continue
                except Unresolvable as error:
                    raise DeclarationError(
                        f"{self.where}: the field {field.name!r}, annotated with "
                        f"{field.expected!r}, {error}."
                    ) from None
                _refuse_wrong_default(self.where, field, kind)
                kinds[field.name] = kind
        if waiting is not None:
            raise waiting

    def complete(self, named: dict[str, Any]) -> None:
        """Add the defaults of what was not given."""
        for field in self.sent:
            if field.name not in named and not field.is_required:
                named[field.name] = field.make()

    def values(self, named: Mapping[str, Any]) -> dict[str, Any]:
        """Return what receivers get, where the dataclass computes some of it.

        Raises:
            Exception: whatever its ``__post_init__()`` raises.
        """
        made = self.payload(**named)
        return {field.name: getattr(made, field.name) for field in self.fields}


def _refuse_wrong_default(where: str, field: Field, kind: Kind) -> None:
    if field.default is MISSING or kind.includes(field.default):
        return
    hint = f" Write {field.expected} | None." if field.default is None else ""
    raise DeclarationError(
        f"{where}: the default of {field.name!r} is of type {type(field.default).__qualname__}; "
        f"expected {field.expected}.{hint}"
    )


def describe(payload: Any) -> Description:
    """Read what a typed signal is declared with.

    Args:
        payload: what should be a frozen dataclass.

    Raises:
        DeclarationError: it is none, or one of its fields cannot be sent.
    """
    file, line = caller_outside("signalkit.typed")
    # Of Changed[Book], what is known when the program runs is Changed.
    payload = get_origin(payload) or payload
    name = payload if isinstance(payload, type) else type(payload)
    where = f"TypedSignal({name.__module__}.{name.__qualname__}) ({file}:{line})"
    with blame(file):
        _refuse_what_is_no_dataclass(where, payload)
        fields = tuple(_field(payload, each) for each in dataclasses.fields(payload))
        for field in fields:
            if field.name in RESERVED:
                raise DeclarationError(
                    f"{where}: no field can be called {field.name!r}: {RESERVED[field.name]}. "
                    "Give it another name."
                )
        _refuse_other_constructor(where, payload, fields)
    is_built = hasattr(payload, "__post_init__") or not all(field.is_sent for field in fields)
    return Description(payload, where, file, fields, is_built)


def _refuse_what_is_no_dataclass(where: str, payload: Any) -> None:
    wanted = "expected a frozen dataclass"
    if not isinstance(payload, type):
        if dataclasses.is_dataclass(payload):
            raise DeclarationError(f"{where}: {wanted}, not an instance of one. Give the class.")
        raise DeclarationError(f"{where}: {wanted}, found {payload!r}.")
    if "__dataclass_params__" not in vars(payload):
        raise DeclarationError(
            f"{where}: {wanted}. Decorate the class with "
            "@dataclasses.dataclass(frozen=True, kw_only=True)."
        )
    if not payload.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise DeclarationError(
            f"{where}: {wanted}, and this one can be changed. Write @dataclass(frozen=True)."
        )


def _refuse_other_constructor(where: str, payload: type, fields: tuple[Field, ...]) -> None:
    """Refuse a payload that is made of something else than its fields."""
    signature = signature_of(payload)
    taken = set() if signature is None else {*signature.parameters}
    kept = {field.name for field in fields if field.is_sent}
    if taken != kept:
        raise DeclarationError(
            f"{where}: its constructor takes {_names(taken)}, and it keeps {_names(kept)} as its "
            "fields. A signal carries what both have in common: drop InitVar and __init__()."
        )


def _names(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _field(payload: type, field: dataclasses.Field[Any]) -> Field:
    owner = next(
        (cls for cls in payload.__mro__ if field.name in _annotated(cls)),
        payload,
    )
    names = frozenset(each.name for each in dataclasses.fields(payload))
    return Field(
        field.name,
        field.type,
        lambda load: Names(owner, names, load),
        field.init,
        field.default,
        field.default_factory,
    )


def _annotated(cls: type) -> Mapping[str, Any]:
    """Return the annotations in a class's own body, as they are kept: none is evaluated."""
    if sys.version_info >= (3, 14):
        return annotationlib.get_annotations(cls, format=annotationlib.Format.STRING)
    annotations: Mapping[str, Any] = vars(cls).get("__annotations__", {})
    return annotations
