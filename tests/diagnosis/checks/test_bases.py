"""I003: classes that have all of a receiver but a signal."""

from __future__ import annotations

from django.core.checks import INFO

from tests.diagnosis.checks.conftest import Ask
from tests.diagnosis.conftest import Site

HEAD = """
from abc import abstractmethod
from django.db.models.signals import post_save
from signalkit import ModelReceiver, Receiver
from tests.testapp.models import Book

"""

FORGOTTEN = """
class Index(ModelReceiver):
    sender = Book

    def handle(self, event): ...
"""


def load(site: Site, source: str) -> None:
    site.load("corner.receivers", HEAD + source)


class TestI003:
    def test_a_signal_that_was_forgotten(self, messages: Ask, site: Site) -> None:
        load(site, FORGOTTEN)

        (message,) = messages("I003")

        assert message.level == INFO
        assert message.obj == "corner.receivers.Index"
        assert f"{site.folder / 'corner/receivers.py'}:11" in message.msg
        assert message.hint is not None
        assert "class Index(..., abstract=True)" in message.hint

    def test_one_that_inherits_its_sender(self, messages: Ask, site: Site) -> None:
        load(
            site,
            """
class Base(Receiver):
    sender = Book

class Index(Base):
    def handle(self, event): ...
""",
        )

        (message,) = messages("I003")

        assert message.obj == "corner.receivers.Index"

    def test_only_for_the_apps_that_are_asked_about(self, messages: Ask, site: Site) -> None:
        load(site, FORGOTTEN)

        assert len(messages("I003", "corner")) == 1
        assert messages("I003", "testapp") == []

    def test_other_peoples_bases_are_for_others(self, messages: Ask, packages: Site) -> None:
        packages.install("theirs")
        packages.load("theirs.receivers", HEAD + FORGOTTEN)

        assert messages("I003") == []

    def test_a_base_that_is_meant(self, messages: Ask, site: Site) -> None:
        load(site, FORGOTTEN.replace("(ModelReceiver)", "(ModelReceiver, abstract=True)"))

        assert messages("I003") == []

    def test_one_that_names_a_signal(self, messages: Ask, site: Site) -> None:
        load(site, FORGOTTEN.replace("    sender", "    signal = post_save\n    sender"))

        assert messages("I003") == []

    def test_a_base_in_use(self, messages: Ask, site: Site) -> None:
        load(
            site,
            FORGOTTEN
            + """
class Between(Index):
    order = 1

class Saved(Between):
    signal = post_save
""",
        )

        assert messages("I003") == []

    def test_a_child_of_a_base_that_is_meant(self, messages: Ask, site: Site) -> None:
        load(
            site,
            FORGOTTEN.replace(
                "class", "class Meant(ModelReceiver, abstract=True): ...\n\nclass", 1
            ).replace("(ModelReceiver):", "(Meant):"),
        )

        (message,) = messages("I003")

        assert message.obj == "corner.receivers.Index"

    def test_a_base_that_leaves_something_out(self, messages: Ask, site: Site) -> None:
        load(
            site,
            FORGOTTEN.replace(
                "class Index(ModelReceiver)", "class Index(ModelReceiver, ABC)"
            ).replace("class", "from abc import ABC\n\nclass", 1)
            + """
    @abstractmethod
    def text(self): ...
""",
        )

        assert messages("I003") == []

    def test_without_a_sender_or_a_handle_it_is_a_base(self, messages: Ask, site: Site) -> None:
        load(
            site,
            """
class Handles(ModelReceiver):
    def handle(self, event): ...

class OfBooks(ModelReceiver):
    sender = Book
""",
        )

        assert messages("I003") == []

    def test_a_class_of_a_function_or_of_a_former_load(self, messages: Ask, site: Site) -> None:
        load(
            site,
            """
def make():
    class Made(ModelReceiver):
        sender = Book

        def handle(self, event): ...

    return Made

made = make()
""",
        )
        site.load("corner.former", HEAD + FORGOTTEN + "\nformer = Index\ndel Index\n")

        assert messages("I003") == []
