"""What is to be told, to whom, and how it is worded for each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from django.template import TemplateDoesNotExist
from django.template.backends.django import Template as DjangoTemplate
from django.template.context import make_context
from django.template.loader import get_template
from django.utils import translation

from signalkit.events import Event


@dataclass(frozen=True, kw_only=True)
class Notification:
    """What channels are handed: values, and the texts that templates make of them."""

    recipients: tuple[Any, ...] | None = None
    """Users, or whatever else the channels can reach, such as mail addresses. None stands for
    whoever a channel reaches by itself, such as the user of the current request."""

    subject: Any = ""
    """A string, perhaps a lazy translation."""

    body: Any = ""
    """The text where there is no template."""

    template: str | None = None
    """The name of the templates, to which ``.txt`` is added, and ``.html`` where it exists."""

    context: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What the templates are given, besides ``recipient`` and ``subject``."""

    language: Callable[[Any], str | None] | None = None
    """Takes a recipient and returns the code of their language, or None for the current one."""

    event: Event | None = None
    """What it is about; None when it was not a receiver that made it."""

    def speaking_to(self, recipient: Any = None) -> AbstractContextManager[object]:
        """Return a block in which the recipient's language is active."""
        code = None if self.language is None else self.language(recipient)
        return nullcontext() if code is None else translation.override(code)

    def subject_for(self, recipient: Any = None) -> str:
        """Return the subject in the recipient's language."""
        with self.speaking_to(recipient):
            return str(self.subject)

    def text_for(self, recipient: Any = None) -> str:
        """Return the plain text in the recipient's language.

        Nothing is escaped in it, as nothing would turn ``&amp;`` back.

        Raises:
            django.template.TemplateDoesNotExist: there is no ``.txt`` template.
        """
        with self.speaking_to(recipient):
            if self.template is None:
                return str(self.body)
            template = get_template(f"{self.template}.txt")
            values = self._values(recipient)
            if isinstance(template, DjangoTemplate):
                return str(template.template.render(make_context(values, autoescape=False)))
            return str(template.render(values))

    def html_for(self, recipient: Any = None) -> str | None:
        """Return the HTML in the recipient's language; None without an ``.html`` template."""
        if self.template is None:
            return None
        try:
            template = get_template(f"{self.template}.html")
        except TemplateDoesNotExist:
            return None
        with self.speaking_to(recipient):
            return str(template.render(self._values(recipient)))

    def _values(self, recipient: Any) -> dict[str, Any]:
        return {**self.context, "recipient": recipient, "subject": self.subject}


Channel: TypeAlias = Callable[[Notification], object] | Callable[[], object]
"""A way to tell: anything that can be called with a notification, coroutine functions included."""
