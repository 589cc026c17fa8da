"""Notifications: after the commit, by every channel, whatever becomes of the others."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import django
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_out
from django.core import mail, serializers
from django.core.exceptions import SynchronousOnlyOperation
from django.core.mail.backends.locmem import EmailBackend
from django.db import DatabaseError, connection, connections, transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import Signal
from django.template import TemplateDoesNotExist
from django.test import Client, TestCase, override_settings
from django.utils import translation
from django.utils.translation import gettext_lazy

from signalkit import Phase
from signalkit.builtin_events import PostDelete, PostSave, UserLoggedOut
from signalkit.context import current, use
from signalkit.exceptions import DeclarationError, UnknownOption
from signalkit.receivers import Mail, Message, Notification, NotifyOnCommit, notify_on_commit
from signalkit.testing import raise_failures, run_on_commit
from tests.context.site import MESSAGES, OURS, SESSIONS, site
from tests.dispatch.recording import both_aliases, queries, undone
from tests.testapp.models import Author, Book, Record

TEMPLATES = {
    "mail/both.txt": "Dear {{ recipient.name }}, {{ instance.title }} & more",
    "mail/both.html": "<p>{{ instance.title }} & more: {{ subject }}</p>",
    "mail/plain.txt": "{{ greeting }}",
    "mail/broken.txt": "fine",
    "mail/broken.html": "{% include 'mail/absent.html' %}",
    "mail/only_html.html": "<p></p>",
}

PLAIN_TEMPLATES = settings.TEMPLATES

pytestmark = both_aliases


@pytest.fixture(autouse=True)
def templates() -> Iterator[None]:
    engine = {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {"loaders": [("django.template.loaders.locmem.Loader", TEMPLATES)]},
    }
    # Django 6.1 names its mail backends, and wants the one of the tests to be named.
    mailers = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    named = {"MAILERS": mailers} if django.VERSION >= (6, 1) else {}
    with override_settings(TEMPLATES=[engine], **named):
        yield


@pytest.fixture
def author() -> Author:
    return Author.objects.create(name="Ursula", email="ursula@example.com")


def sent() -> list[str]:
    """Return to whom mails went, in order."""
    return [address for message in mail.outbox for address in message.to]


class Recorder:
    """A channel that keeps what it was handed."""

    def __init__(self) -> None:
        self.seen: list[Notification] = []

    def __call__(self, notification: Notification) -> None:
        self.seen.append(notification)


def fail(notification: Notification) -> None:
    raise LookupError("no gateway")


class BookOut(NotifyOnCommit[PostSave[Book]], abstract=True):
    sender = Book
    template: ClassVar[str | None] = "mail/both"

    def recipients(self, event: PostSave[Book]) -> Iterable[Any]:
        return [event.instance.author]

    def subject(self, event: PostSave[Book]) -> str:
        return f"Out now: {event.instance.title}"


class TestTheReceiver:
    def test_a_mail_after_the_commit(self, author: Author) -> None:
        class Out(BookOut):
            name = "test.out"

        with transaction.atomic():
            Book.objects.create(title="The Lathe", author=author)
            assert mail.outbox == []
        (message,) = mail.outbox
        assert message.to == ["ursula@example.com"]
        assert message.subject == "Out now: The Lathe"
        # The text is no HTML, so nothing is escaped in it.
        assert message.body == "Dear Ursula, The Lathe & more"
        (alternative,) = message.alternatives  # type: ignore[attr-defined]
        assert tuple(alternative) == (
            "<p>The Lathe & more: Out now: The Lathe</p>",
            "text/html",
        )

    def test_values_are_escaped_in_html_alone(self, author: Author) -> None:
        class Out(BookOut):
            name = "test.out"

        Book.objects.create(title="<b>", author=author)
        (message,) = mail.outbox
        assert message.body == "Dear Ursula, <b> & more"
        assert "&lt;b&gt;" in message.alternatives[0][0]  # type: ignore[attr-defined]

    def test_a_rollback_tells_nobody(self, author: Author) -> None:
        class Out(BookOut):
            name = "test.out"

        with undone():
            Book.objects.create(title="The Lathe", author=author)
        with transaction.atomic():
            with undone():
                Book.objects.create(title="A savepoint", author=author)
            Book.objects.create(title="Kept", author=author)
        assert [message.subject for message in mail.outbox] == ["Out now: Kept"]

    def test_its_own_alias(self) -> None:
        class Out(BookOut):
            name = "test.out"

            def recipients(self, event: PostSave[Book]) -> list[Any]:
                return [f"{event.using}@example.com"]

        with transaction.atomic("other"):
            with transaction.atomic("default"):
                Book.objects.using("other").create(title="The Lathe")
            assert sent() == []
        assert sent() == ["other@example.com"]

    def test_at_once_without_a_transaction(self, author: Author) -> None:
        class Out(BookOut):
            name = "test.out"

        Book.objects.create(title="The Lathe", author=author)
        assert sent() == ["ursula@example.com"]

    def test_conditions_as_for_any_receiver(self, author: Author) -> None:
        class Out(BookOut):
            name = "test.out"
            changed = ("status",)

        book = Book.objects.create(title="The Lathe", author=author)
        book.save()
        assert sent() == []
        book.status = "published"
        book.save()
        assert sent() == ["ursula@example.com"]

    @pytest.mark.parametrize("takes", [False, True])
    def test_fixtures_only_if_asked_to(self, author: Author, takes: bool) -> None:
        class Out(BookOut):
            name = "test.out"
            raw = takes

        text = serializers.serialize("json", [Book(pk=1, title="The Lathe", author=author)])
        (book,) = serializers.deserialize("json", text)
        book.save()
        assert len(sent()) == takes

    def test_fixtures_are_left_alone_by_default(self, author: Author) -> None:
        class Out(BookOut):
            name = "test.out"

        text = serializers.serialize("json", [Book(pk=1, title="The Lathe", author=author)])
        (book,) = serializers.deserialize("json", text)
        book.save()
        assert sent() == []

    def test_once_per_transaction(self, author: Author) -> None:
        class Out(BookOut):
            name = "test.out"

            def once_per_transaction(self, event: PostSave[Book]) -> Any:
                return event.pk

        with transaction.atomic():
            book = Book.objects.create(title="Draft", author=author)
            book.title = "The Lathe"
            book.save()
        assert [message.subject for message in mail.outbox] == ["Out now: The Lathe"]

    def test_a_deleted_row_still_has_its_key(self, author: Author) -> None:
        seen = Recorder()

        class Gone(NotifyOnCommit[PostDelete[Book]]):
            name = "test.gone"
            signal = post_delete
            sender = Book
            channels = (seen,)

            def subject(self, event: PostDelete[Book]) -> str:
                return f"{event.pk} {event.instance.pk}"

        book = Book.objects.create(title="The Lathe", author=author)
        key = book.pk
        with transaction.atomic():
            book.delete()
        assert [each.subject for each in seen.seen] == [f"{key} {key}"]

    def test_a_signal_without_an_instance(self) -> None:
        seen = Recorder()

        class Goodbye(NotifyOnCommit[UserLoggedOut]):
            name = "test.goodbye"
            signal = user_logged_out
            channels = (seen,)

            def subject(self, event: UserLoggedOut) -> str:
                return f"Goodbye {event.user}"

        user_logged_out.send(User, request=None, user="Ursula")
        (notification,) = seen.seen
        assert notification.subject == "Goodbye Ursula"
        assert notification.recipients is None
        assert notification.context["instance"] is None

    def test_a_database_of_its_own_for_other_signals(self) -> None:
        seen, ping = Recorder(), Signal()

        class Ping(NotifyOnCommit[Any]):
            name = "test.ping"
            signal = ping
            using = "other"
            channels = (seen,)

        with transaction.atomic("other"):
            ping.send(None)
            assert seen.seen == []
        assert len(seen.seen) == 1

    def test_body_without_a_template(self, author: Author) -> None:
        class Out(BookOut):
            name = "test.out"
            template = None

            def body(self, event: PostSave[Book]) -> str:
                return "Look & see."

        Book.objects.create(title="The Lathe", author=author)
        (message,) = mail.outbox
        assert message.body == "Look & see."
        assert message.alternatives == []  # type: ignore[attr-defined]

    def test_a_context_of_ones_own(self, author: Author) -> None:
        class Out(BookOut):
            name = "test.out"
            template = "mail/plain"

            def context(self, event: PostSave[Book]) -> dict[str, Any]:
                return {**super().context(event), "greeting": f"Hi {event.instance.title}"}

        Book.objects.create(title="The Lathe", author=author)
        assert [message.body for message in mail.outbox] == ["Hi The Lathe"]


class TestRecipients:
    def test_none_no_mail(self, author: Author) -> None:
        seen = Recorder()

        class Out(BookOut):
            name = "test.out"
            channels = (Mail(), seen)

            def recipients(self, event: PostSave[Book]) -> list[Any]:
                return []

        with raise_failures():
            Book.objects.create(title="The Lathe", author=author)
        assert (mail.outbox, seen.seen) == ([], [])

    def test_those_without_an_address_are_passed_over(self, author: Author) -> None:
        class Out(BookOut):
            name = "test.out"

            def recipients(self, event: PostSave[Book]) -> list[Any]:
                return [None, "", Author(name="no mail"), User(email="user@example.com"), author]

        Book.objects.create(title="The Lathe", author=author)
        assert sent() == ["user@example.com", "ursula@example.com"]

    def test_none_with_an_address(self, author: Author) -> None:
        class Unreachable(Mail):
            def connection(self) -> Any:
                raise AssertionError("There is nothing to be sent.")

        class Out(BookOut):
            name = "test.out"
            channels = (Unreachable(),)

            def recipients(self, event: PostSave[Book]) -> Iterator[Any]:
                yield Author(name="no mail")

        with raise_failures():
            Book.objects.create(title="The Lathe", author=author)

    def test_nobody_sees_the_others_and_each_gets_one(self, author: Author) -> None:
        class Out(BookOut):
            name = "test.out"

            def recipients(self, event: PostSave[Book]) -> list[Any]:
                return ["a@example.com", "b@example.com", "a@example.com"]

        Book.objects.create(title="The Lathe", author=author)
        assert [message.to for message in mail.outbox] == [["a@example.com"], ["b@example.com"]]

    def test_a_queryset(self, author: Author) -> None:
        class Out(BookOut):
            name = "test.out"

            def recipients(self, event: PostSave[Book]) -> Any:
                return Author.objects.filter(pk=author.pk)

        Book.objects.create(title="The Lathe")
        assert sent() == ["ursula@example.com"]

    def test_one_string_is_no_list(self, author: Author) -> None:
        class Out(BookOut):
            name = "test.out"

            def recipients(self, event: PostSave[Book]) -> Any:
                return "a@example.com"

        with pytest.raises(ExceptionGroup) as raised, raise_failures():
            Book.objects.create(title="The Lathe")
        assert raised.group_contains(TypeError, match=r"Write return \['a@example\.com'\]")

    def test_what_has_no_address_is_a_mistake(self, author: Author) -> None:
        class Out(BookOut):
            name = "test.out"

            def recipients(self, event: PostSave[Book]) -> list[Any]:
                return [Record(text="no recipient")]

        with pytest.raises(ExceptionGroup) as raised, raise_failures():
            Book.objects.create(title="The Lathe")
        assert raised.group_contains(TypeError, match="A Record has no email")

    def test_each_in_their_language(self) -> None:
        class Out(BookOut):
            name = "test.out"
            template = None

            def recipients(self, event: PostSave[Book]) -> list[Any]:
                return ["de@example.com", "en@example.com"]

            def subject(self, event: PostSave[Book]) -> Any:
                return gettext_lazy("No")

            def body(self, event: PostSave[Book]) -> Any:
                return gettext_lazy("Yes")

            def language(self, recipient: str) -> str | None:
                return "de" if recipient.startswith("de") else None

        with translation.override("en"):
            Book.objects.create(title="The Lathe")
        assert [(message.subject, message.body) for message in mail.outbox] == [
            ("Nein", "Ja"),
            ("No", "Yes"),
        ]


def test_templates_of_another_engine(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("Dear $recipient: $subject")
    engine = {
        "BACKEND": "django.template.backends.dummy.TemplateStrings",
        "APP_DIRS": False,
        "DIRS": [tmp_path],
    }
    with override_settings(TEMPLATES=[engine]):
        notification = Notification(subject="out", template="plain")
        assert notification.text_for("you") == "Dear you: out"
        assert notification.html_for("you") is None


class LosesOne(EmailBackend):
    """A backend that cannot send to one address."""

    def send_messages(self, messages: Any) -> int:
        if any("lost@example.com" in message.to for message in messages):
            raise ConnectionError("refused")
        return super().send_messages(messages)


class LosingMail(Mail):
    def connection(self) -> Any:
        return LosesOne()


class NoServer(Mail):
    def connection(self) -> Any:
        raise ConnectionRefusedError("nobody listens")


class TestFailures:
    def test_one_channel_keeps_no_other_from_its_turn(
        self, author: Author, caplog: pytest.LogCaptureFixture
    ) -> None:
        first, last = Recorder(), Recorder()

        class Out(BookOut):
            name = "test.out"
            channels = (first, fail, Mail(), last)

        with caplog.at_level(logging.ERROR, "signalkit.receivers"):
            Book.objects.create(title="The Lathe", author=author)
        assert (len(first.seen), sent(), len(last.seen)) == (1, ["ursula@example.com"], 1)
        (record,) = caplog.records
        assert "test.out failed in phase after_commit" in record.getMessage()
        assert record.exc_info is not None
        error = record.exc_info[1]
        assert isinstance(error, LookupError)
        assert error.__notes__ == ["Raised by the channel fail."]

    def test_several_are_raised_together(self, author: Author) -> None:
        class Out(BookOut):
            name = "test.out"
            channels = (fail, NoServer(), Mail())

        with pytest.raises(ExceptionGroup) as raised, raise_failures():
            Book.objects.create(title="The Lathe", author=author)
        (group,) = raised.value.exceptions
        assert isinstance(group, ExceptionGroup)
        assert group.message == "2 of 3 channels failed"
        assert [type(error) for error in group.exceptions] == [LookupError, ConnectionRefusedError]
        assert sent() == ["ursula@example.com"]

    def test_one_mail_keeps_no_other_from_being_sent(self, author: Author) -> None:
        class Out(BookOut):
            name = "test.out"
            channels = (LosingMail(),)

            def recipients(self, event: PostSave[Book]) -> list[Any]:
                return ["a@example.com", "lost@example.com", "b@example.com"]

        with pytest.raises(ExceptionGroup) as raised, raise_failures():
            Book.objects.create(title="The Lathe", author=author)
        assert sent() == ["a@example.com", "b@example.com"]
        (error,) = raised.value.exceptions
        assert isinstance(error, ConnectionError)
        assert "Raised by the mail to recipient 2 of 3." in error.__notes__

    def test_a_failing_hook_is_the_runs_failure(self, author: Author) -> None:
        class Out(BookOut):
            name = "test.out"

            def subject(self, event: PostSave[Book]) -> str:
                raise LookupError("no subject")

        with pytest.raises(ExceptionGroup) as raised, raise_failures():
            Book.objects.create(title="The Lathe", author=author)
        assert raised.group_contains(LookupError, match="no subject")

    @pytest.mark.parametrize("break_", ["\n", "\r\n"])
    def test_a_header_cannot_be_smuggled_in(self, author: Author, break_: str) -> None:
        class Out(BookOut):
            name = "test.out"

        with pytest.raises(ExceptionGroup) as raised, raise_failures():
            Book.objects.create(title=f"The Lathe{break_}Bcc: all@example.com", author=author)
        assert raised.group_contains(ValueError, match="(?i)newlines|header")
        assert mail.outbox == []

    def test_a_database_error_of_a_channel_leaves_the_others_a_transaction(
        self, author: Author
    ) -> None:
        def break_it(notification: Notification) -> None:
            connection.cursor().execute("SELECT nothing FROM nowhere")

        def write(notification: Notification) -> None:
            Record.objects.create(text="told")

        class Out(BookOut):
            name = "test.out"
            phase = Phase.BEFORE_COMMIT
            on_error = "raise"
            channels: ClassVar[Any] = (break_it, write)

        seen: list[int] = []

        class Watching(Recorder):
            def __call__(self, notification: Notification) -> None:
                seen.append(Record.objects.count())

        class Later(Out):
            name = "test.later"
            channels = (break_it, write, Watching())

        with pytest.raises(DatabaseError), transaction.atomic():
            Book.objects.create(title="The Lathe", author=author)
        assert Record.objects.count() == 0
        with pytest.raises(DatabaseError), transaction.atomic():
            Later().handle(PostSave(post_save, Book, {"instance": Book(), "using": "default"}))
        assert seen == [1]

    def test_a_template_that_is_missing(self, author: Author) -> None:
        class Out(BookOut):
            name = "test.out"
            template = "mail/only_html"

        with pytest.raises(ExceptionGroup) as raised, raise_failures():
            Book.objects.create(title="The Lathe", author=author)
        assert raised.group_contains(TemplateDoesNotExist, match=r"mail/only_html\.txt")

    def test_a_template_that_includes_a_missing_one_is_not_taken_for_none(
        self, author: Author
    ) -> None:
        class Out(BookOut):
            name = "test.out"
            template = "mail/broken"

        with pytest.raises(ExceptionGroup) as raised, raise_failures():
            Book.objects.create(title="The Lathe", author=author)
        assert raised.group_contains(TemplateDoesNotExist, match=r"mail/absent\.html")


@pytest.mark.django_db(transaction=True, available_apps=["tests.testapp", "signalkit.runs"])
@override_settings(SIGNALKIT={"RUNS": {"RECORD": "all"}})
def test_what_failed_is_on_record(author: Author) -> None:
    from signalkit.runs.models import ReceiverRun

    class Out(BookOut):
        name = "test.out"
        channels = (fail, Mail())

    with transaction.atomic():
        Book.objects.create(title="The Lathe", author=author)
    run = ReceiverRun.objects.get(receiver="test.out")
    assert (run.outcome, run.error, run.message) == ("failed", "LookupError", "no gateway")
    assert sent() == ["ursula@example.com"]


class TestChannels:
    def test_a_coroutine_function(self, author: Author) -> None:
        seen: list[str] = []

        async def later(notification: Notification) -> None:
            seen.append(notification.subject)

        class Out(BookOut):
            name = "test.out"
            channels = (later,)

        Book.objects.create(title="The Lathe", author=author)
        assert seen == ["Out now: The Lathe"]

    def test_what_mails_have_in_common(self, author: Author) -> None:
        class Out(BookOut):
            name = "test.out"
            channels = (
                Mail(
                    from_email="shop@example.com",
                    reply_to=["help@example.com"],
                    headers={"X-Shop": "1"},
                ),
            )

        Book.objects.create(title="The Lathe", author=author)
        (message,) = mail.outbox
        assert (message.from_email, message.reply_to) == ("shop@example.com", ["help@example.com"])
        assert message.extra_headers == {"X-Shop": "1"}

    def test_a_mail_of_ones_own(self, author: Author) -> None:
        class WithBill(Mail):
            def build(self, notification: Notification, recipient: Any, address: str) -> Any:
                message = super().build(notification, recipient, address)
                message.attach("bill.txt", "12.50", "text/plain")
                return message

        class Out(BookOut):
            name = "test.out"
            channels = (WithBill(),)

        Book.objects.create(title="The Lathe", author=author)
        (message,) = mail.outbox
        assert [attachment[0] for attachment in message.attachments] == ["bill.txt"]

    @pytest.mark.django_db(transaction=True)
    @site(OURS, SESSIONS, MESSAGES)
    def test_a_message_to_whoever_caused_it(self, client: Client) -> None:
        class Out(NotifyOnCommit[PostSave[Author]]):
            name = "test.out"
            sender = Author
            channels = (Message(messages.SUCCESS, extra_tags="big"),)

            def subject(self, event: PostSave[Author]) -> str:
                return f"{event.instance} is saved."

        response = client.get("/write/?rows=1&name=Woolf")
        (message,) = messages.get_messages(response.wsgi_request)
        assert (str(message), message.level) == ("Woolf is saved.", messages.SUCCESS)
        assert message.extra_tags == "big"

    @pytest.mark.django_db(transaction=True)
    def test_a_message_in_the_admin(self, client: Client) -> None:
        class Saved(NotifyOnCommit[PostSave[Group]]):
            name = "test.saved"
            sender = Group
            channels = (Message(messages.WARNING),)

            def subject(self, event: PostSave[Group]) -> str:
                return f"Everybody hears of {event.instance}."

        client.force_login(User.objects.create_superuser("ursula"))
        middleware = ["signalkit.context.middleware.ContextMiddleware", *settings.MIDDLEWARE]
        with override_settings(MIDDLEWARE=middleware, TEMPLATES=PLAIN_TEMPLATES):
            response = client.post("/admin/auth/group/add/", {"name": "editors"}, follow=True)
        assert "Everybody hears of editors." in response.content.decode()

    def test_a_message_without_a_request_is_none(self) -> None:
        class Out(NotifyOnCommit[PostSave[Author]]):
            name = "test.out"
            sender = Author
            channels = (Message(),)

            def subject(self, event: PostSave[Author]) -> str:
                return "saved"

        with raise_failures():
            Author.objects.create(name="Woolf")

    def test_a_message_without_a_subject_is_the_text(self) -> None:
        assert Message().text(Notification(body="the text")) == "the text"

    def test_what_they_are_called_says_nothing_that_they_were_given(self) -> None:
        assert repr(Mail(from_email="secret@example.com")) == "Mail()"
        assert repr(Message(25)) == "Message(25)"

    def test_mistakes(self) -> None:
        wrong: Any = "success"
        with pytest.raises(TypeError, match="got 'success'; expected a number"):
            Message(wrong)
        with pytest.raises(TypeError, match="expected a list of addresses"):
            Mail(reply_to="a@example.com")


class TestRefusals:
    def test_mail_without_recipients(self) -> None:
        with pytest.raises(DeclarationError, match=r"Mail\(\) tells nobody without recipients"):

            class Out(NotifyOnCommit[Any]):
                sender = Book

    @pytest.mark.parametrize("given", [(), None, Mail()])
    def test_no_channels(self, given: Any) -> None:
        with pytest.raises(DeclarationError, match="expected a list of at least one channel"):

            class Out(NotifyOnCommit[Any]):
                sender = Book
                channels = given

    def test_a_channel_that_is_none(self) -> None:
        with pytest.raises(DeclarationError, match=r"expected something .* Write Mail\(\)"):

            class Out(NotifyOnCommit[Any]):
                sender = Book
                channels = (Mail,)

    @pytest.mark.parametrize(
        ("given", "said"), [("mail/out.html", "without its suffix"), (7, "expected a name")]
    )
    def test_a_template_that_is_no_name(self, given: Any, said: str) -> None:
        with pytest.raises(DeclarationError, match=said):

            class Out(NotifyOnCommit[Any]):
                sender = Book
                template = given
                channels = (fail,)

    def test_a_hook_that_nobody_would_await(self) -> None:
        with pytest.raises(DeclarationError, match="recipients is a coroutine function"):

            class Out(NotifyOnCommit[Any]):
                async def recipients(self, event: Any) -> Any:  # type: ignore[override]
                    return []

    def test_a_hook_that_takes_no_event(self) -> None:
        with pytest.raises(DeclarationError, match="subject cannot be called with one event"):

            class Out(BookOut):
                def subject(self) -> str:  # type: ignore[override]
                    return ""

    def test_a_misspelt_hook(self) -> None:
        with pytest.raises(UnknownOption, match=r"sets 'subjct'.*Did you mean 'subject'"):

            class Out(NotifyOnCommit[Any]):
                channels = (fail,)

                def subjct(self, event: Any) -> str:
                    return ""

    def test_an_unknown_keyword_of_the_class_statement(self) -> None:
        with pytest.raises(DeclarationError, match="Did you mean 'replaces'"):

            class Out(NotifyOnCommit[Any], replace="shop.Out"):
                channels = (fail,)


class TestTheFunction:
    def test_a_channel_may_know_all_that_it_needs(self) -> None:
        told: list[str] = []
        with transaction.atomic():
            notify_on_commit(partial(told.append, "given"), lambda: told.append("of itself"))
            assert told == []
        assert told == ["given", "of itself"]

    def test_one_that_can_be_called_in_neither_way(self) -> None:
        with pytest.raises(TypeError, match="takes a notification, or nothing"):
            notify_on_commit(lambda one, two: None)  # type: ignore[arg-type]

    def test_after_the_commit(self) -> None:
        seen = Recorder()
        with transaction.atomic():
            notify_on_commit(seen, subject="out", context={"a": 1}, recipients=["x"])
            assert seen.seen == []
        (notification,) = seen.seen
        assert notification == Notification(recipients=("x",), subject="out", context={"a": 1})

    def test_at_once_in_autocommit(self) -> None:
        seen = Recorder()
        notify_on_commit(seen)
        assert len(seen.seen) == 1

    def test_not_after_a_rollback(self) -> None:
        seen = Recorder()
        with undone():
            notify_on_commit(seen)
        with transaction.atomic(), undone():
            notify_on_commit(seen)
        assert seen.seen == []

    def test_in_a_coroutine_of_the_transaction(self) -> None:
        """Its connection is another, on which nothing would have been rolled back."""
        seen = Recorder()

        async def tell(**kwargs: Any) -> None:
            notify_on_commit(seen)

        post_save.connect(tell, sender=Author)
        try:
            with (
                pytest.raises(SynchronousOnlyOperation, match="a coroutine has none"),
                transaction.atomic(),
            ):
                Author.objects.create(name="Ursula")
        finally:
            post_save.disconnect(tell, sender=Author)
        assert seen.seen == []

    def test_in_a_thread_of_a_coroutine(self) -> None:
        seen = Recorder()

        async def tell(**kwargs: Any) -> None:
            await sync_to_async(notify_on_commit)(seen)

        post_save.connect(tell, sender=Author)
        try:
            with transaction.atomic():
                Author.objects.create(name="Ursula")
                assert seen.seen == []
        finally:
            post_save.disconnect(tell, sender=Author)
        assert len(seen.seen) == 1

    def test_the_right_alias(self) -> None:
        seen = Recorder()
        with transaction.atomic("other"):
            with transaction.atomic():
                notify_on_commit(seen, using="other")
            assert seen.seen == []
        assert len(seen.seen) == 1

    def test_mail(self) -> None:
        notify_on_commit(Mail(), recipients=["a@example.com"], subject="out", body="now")
        assert [(message.subject, message.body) for message in mail.outbox] == [("out", "now")]

    def test_no_recipients(self) -> None:
        seen = Recorder()
        notify_on_commit(Mail(), seen, recipients=[])
        assert (mail.outbox, seen.seen) == ([], [])

    def test_once_per_transaction(self) -> None:
        seen = Recorder()
        with transaction.atomic():
            for number in range(3):
                notify_on_commit(seen, subject=number, once="out")
            notify_on_commit(seen, subject="another", once="in")
            with undone():
                notify_on_commit(seen, subject="undone", once="out")
        assert [each.subject for each in seen.seen] == [2, "another"]

    def test_a_failure_is_logged_and_stops_nobody(self, caplog: pytest.LogCaptureFixture) -> None:
        seen = Recorder()
        with (
            caplog.at_level(logging.ERROR, "signalkit.receivers"),
            transaction.atomic(),
        ):
            notify_on_commit(fail, partial(fail), seen)
            transaction.on_commit(partial(seen, Notification(subject="later")))
        assert [each.subject for each in seen.seen] == ["", "later"]
        assert len(caplog.records) == 2
        record = caplog.records[0]
        assert record.exc_info is not None
        assert isinstance(record.exc_info[1], LookupError)
        assert record.__dict__["channels"] == ["fail", "partial", "Recorder"]

    def test_the_context_of_the_call(self) -> None:
        seen: list[Any] = []
        with use(reason="around"), transaction.atomic():
            with use(reason="the import"):
                notify_on_commit(lambda notification: seen.append(current().reason))
            transaction.on_commit(lambda: seen.append(current().reason))
        assert seen == ["the import", "around"]

    def test_mistakes(self) -> None:
        wrong: Any = "a@example.com"
        with pytest.raises(TypeError, match="given no channel"):
            notify_on_commit()
        with pytest.raises(TypeError, match="expected a channel such as"):
            notify_on_commit(wrong)
        with pytest.raises(TypeError, match="expected a channel such as"):
            notify_on_commit(Mail)
        with pytest.raises(TypeError, match=r"Write recipients=\['a@example.com'\]"):
            notify_on_commit(Mail(), recipients=wrong)
        with pytest.raises(TypeError, match="tells nobody without recipients="):
            notify_on_commit(Mail())

    def test_no_query(self) -> None:
        seen = Recorder()
        with queries() as sent:
            notify_on_commit(seen)
        assert len(sent) == 0


@pytest.mark.django_db(databases=["default", "other"])
class TestInATestCase(TestCase):
    databases = {"default", "other"}

    def test_captured(self) -> None:
        seen = Recorder()
        for using in ("default", "other"):
            with self.captureOnCommitCallbacks(using=using, execute=True) as callbacks:
                notify_on_commit(seen, using=using)
                assert connections[using].in_atomic_block
            assert len(callbacks) == 1
        assert len(seen.seen) == 2

    def test_acted_out(self) -> None:
        class Out(BookOut):
            name = "test.out"

            def recipients(self, event: PostSave[Book]) -> list[Any]:
                return ["a@example.com"]

        Book.objects.create(title="The Lathe")
        assert sent() == []
        run_on_commit()
        assert sent() == ["a@example.com"]
