"""Letters on a developer's machine: nobody gets them, and each is a line beside the server's own.

Django's console backend prints the whole MIME message, which hides everything around it.
"""

import sys
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class OneLineEach(BaseEmailBackend):
    """Say to whom a letter would go, and what it is about."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write a line for each, where runserver writes its own, and return their number."""
        for letter in email_messages:
            # stderr takes every character, also in a terminal that cannot show it
            sys.stderr.write(f"✉ letter to {', '.join(letter.to)}: {letter.subject}\n")
        return len(email_messages)
