"""What an error says, without what it should not say: real errors, hostile ones, and properties."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest
from django.core.exceptions import ValidationError
from django.db import DataError, Error, IntegrityError, connection, models, transaction
from django.db.models.functions import Lower
from django.db.models.signals import post_save
from django.dispatch import Signal
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from signalkit.runs.health import health
from signalkit.runs.masking import LONGEST_MESSAGE, mask, mask_literals, names_a_secret
from signalkit.runs.models import ReceiverRun
from signalkit.runs.tracebacks import LONGEST_TRACEBACK, where
from tests.dispatch.recording import listen
from tests.testapp.models import Author, Record, Tag
from tests.transactions.support import postgresql_only

recorded = pytest.mark.django_db(
    transaction=True, available_apps=["tests.testapp", "signalkit.runs"]
)

sent = Signal()

NAMES = st.sampled_from(
    [
        "password",
        "PASSWORD",
        "new_password1",
        "user-password",
        "passphrase",
        "db_pwd",
        "client_secret",
        "csrftoken",
        "X-Api-Key",
        "apikey",
        "access_key_id",
        "private_key",
        "Authorization",
        "Set-Cookie",
        "sessionid",
        "credit_card_number",
        "iban",
        "my.word",
    ]
)
WORDS = ("iban", "my.word")
# Letters that occur in no name, so that what is left of a secret is found.
LETTERS = "0345678"
SECRETS = st.text(LETTERS, min_size=4, max_size=40)
WAYS = st.sampled_from(
    [
        "{name}={secret}",
        "{name} = {secret} and more",
        "{name}: {secret}",
        "{name}:{secret},other=1",
        "{name}=Bearer {secret}",
        "{name}: Basic {secret}",
        "?{name}={secret}&page=2",
        "call({name}={secret})",
        "{{'{name}': '{secret}'}}",
        '{{"{name}": "{secret} {secret}"}}',
        '"{{\\"{name}\\": \\"{secret} {secret}\\"}}"',
        "{name}='{secret}",
        "{name}='it\\'s {secret}'",
        "{name}=b'{secret}, {secret}'",
        '{name}="""{secret} " {secret}"""',
        "('{name}', '{secret}')",
        "[(b'{name}', b'{secret}')]",
        "<QueryDict: {{'{name}': ['{secret}']}}>",
        "headers['{name}'] = '{secret}'",
        "{name} =>\n{secret}",
    ]
)


class TestProperties:
    @given(name=NAMES, secret=SECRETS, way=WAYS, before=st.text("abc \n.,", max_size=30))
    def test_a_secret_next_to_a_name_is_never_told(
        self, name: str, secret: str, way: str, before: str
    ) -> None:
        told = mask(before + way.format(name=name, secret=secret), WORDS)
        assert secret not in told
        assert "***" in told
        assert told.startswith(before)

    @given(name=NAMES, secret=SECRETS, way=WAYS, length=st.integers(900, 4_100))
    def test_nor_where_the_text_is_cut(self, name: str, secret: str, way: str, length: int) -> None:
        told = mask("a " * (length // 2) + way.format(name=name, secret=secret), WORDS)
        assert not set(told) & set(LETTERS)
        assert len(told) <= LONGEST_MESSAGE

    @given(
        user=SECRETS,
        secret=st.text("zZ0/:@?#", min_size=4),
        before=st.text("abc \n\t='\",.;\\", max_size=30),
    )
    def test_nor_the_password_of_a_url(self, user: str, secret: str, before: str) -> None:
        told = mask(f"{before} postgres://{user}:{secret}@db.example.org/shop")
        assert f"{user}:***@db" in told
        assert secret not in told.replace(f"//{user}:", "")
        assert "@db.example.org/shop" in told

    @given(st.text(max_size=6_000))
    def test_whatever_it_is_it_can_be_stored(self, text: str) -> None:
        told = mask(text)
        assert len(told) <= LONGEST_MESSAGE
        assert "\x00" not in told

    @given(st.text("abc \n.,", max_size=900))
    def test_what_names_nothing_stays(self, text: str) -> None:
        assert mask(text) == text

    @pytest.mark.parametrize(
        "piece",
        [
            "a",
            "a-",
            "password",
            "password ",
            "token=",
            'token="',
            "password='\\",
            "x://",
            "x://:",
            "a://b",
            "Key (",
            "Key ()=",
            "Duplicate entry '",
            "Failing row contains (",
            ': "',
            "ncorrect a value: '",
            "near '",
            "LINE 1:\n",
            "Bearer ",
            "cookie: ",
            "\\",
            '"',
            '"""',
            "'",
            " ",
        ],
    )
    def test_it_takes_no_time(self, piece: str) -> None:
        """A pattern that tries each end for each beginning would take minutes for one of these."""
        started = time.perf_counter()
        mask(piece * (8_000 // len(piece)))
        mask("password" + piece * (8_000 // len(piece)))
        assert time.perf_counter() - started < 1


def said(act: Any) -> str:
    """Return what the record would say of the error of a statement."""
    with pytest.raises((Error, ValidationError)) as caught, transaction.atomic():
        act()
    return mask(str(caught.value))


@recorded
class TestDatabases:
    """They quote the values of the row that they refuse."""

    SECRET = "hunter2 (x) 'y' \"z\""

    def test_a_duplicate(self) -> None:
        Tag.objects.create(name=self.SECRET)
        told = said(lambda: Tag.objects.create(name=self.SECRET))
        assert "hunter2" not in told
        assert "z" not in told.replace("(***)", "")
        assert "name" in told

    def test_a_duplicate_of_an_expression(self) -> None:
        index = models.Index(Lower("email"), name="signalkit_test_lower")
        if connection.vendor == "mysql":
            pytest.skip("MariaDB has no index on an expression")
        sql = str(index.create_sql(Author, connection.schema_editor())).replace(
            "CREATE INDEX", "CREATE UNIQUE INDEX"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql)
        try:
            Author.objects.create(name="a", email="hunter2@example.org")
            told = said(lambda: Author.objects.create(name="b", email="Hunter2@example.org"))
            assert "unter2" not in told
        finally:
            with connection.cursor() as cursor:
                on = f" ON {Author._meta.db_table}" if connection.vendor == "mysql" else ""
                cursor.execute(f"DROP INDEX signalkit_test_lower{on}")

    def test_a_row_that_lacks_something(self) -> None:
        told = said(lambda: Author.objects.create(name="hunter2", email=cast("str", None)))
        assert "hunter2" not in told

    @pytest.mark.parametrize("secret", ["hunter2", 'hunter2 "and" more', "hunter2\nmore 'x'"])
    def test_a_value_of_a_wrong_type(self, secret: str) -> None:
        def act() -> None:
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO testapp_book (title, status, price, stock) "
                    "VALUES ('a', 'b', 1, %s)",
                    [secret],
                )
                # SQLite takes any.
                raise DataError

        assert "hunter2" not in said(act)

    def test_a_statement_that_is_quoted(self) -> None:
        def act() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM testapp_tag WHERE name ='hunter2' FROM 'hunter2'")

        assert "hunter2" not in said(act)

    @postgresql_only
    def test_of_several_lines(self) -> None:
        Tag.objects.create(name="a\nhunter2\nb")
        told = said(lambda: Tag.objects.create(name="a\nhunter2\nb"))
        assert told.endswith("Key (name)=(***)")

    def test_it_is_so_on_record(self) -> None:
        Tag.objects.create(name="hunter2")

        def again(named: dict[str, Any]) -> None:
            Tag.objects.create(name="hunter2")

        listen(post_save, Record, note=again, name="tests.again")
        with pytest.raises(IntegrityError):
            Record.objects.create(text="a")
        [run] = ReceiverRun.objects.all()
        assert run.error == "django.db.utils.IntegrityError"
        assert "hunter2" not in run.message
        assert "tests/runs/test_masking.py" in run.traceback


class Hostile(Exception):
    def __str__(self) -> str:
        raise ValueError("no")


class NoText(Exception):
    def __str__(self) -> str:
        return cast("str", 7)


def recursion(depth: int = 0) -> None:
    recursion(depth + 1)


SECRET = "hunter2"


def connect(**options: str) -> None:
    raise ValueError(options)


def literals() -> None:
    connect(password="hunter2", api_key="hunter2", url="redis://ada:hunter2@cache")


def chained() -> None:
    try:
        raise KeyError(f"password={SECRET}")
    except KeyError as error:
        raise ValueError(f"token={SECRET}") from error


def grouped() -> None:
    raise ExceptionGroup(f"password={SECRET}", [ValueError(SECRET), KeyError(SECRET)])


def very_long_chain() -> None:
    error: Exception | None = None
    for _ in range(20_000):
        try:
            raise ValueError("again") from error
        except ValueError as raised:
            error = raised
    assert error is not None
    raise error


def raised(act: Any, *arguments: Any) -> BaseException:
    try:
        act(*arguments)
    except BaseException as error:  # noqa: BLE001  # whatever it is
        return error
    raise AssertionError


class TestTracebacks:
    @pytest.mark.parametrize("act", [literals, chained, grouped])
    def test_no_value_is_told(self, act: Any) -> None:
        told = where(raised(act))
        assert "hunter2" not in told
        assert f"in {act.__name__}" in told

    def test_causes_and_members_are_named(self) -> None:
        assert where(raised(chained)).splitlines()[-1] == "ValueError"
        assert "KeyError" in where(raised(chained)).splitlines()
        assert "  + ValueError" in where(raised(grouped)).splitlines()

    @pytest.mark.parametrize("act", [recursion, very_long_chain])
    def test_a_long_one_takes_no_time(self, act: Any) -> None:
        error = raised(act)
        where(error)
        started = time.perf_counter()
        told = where(error)
        assert time.perf_counter() - started < 0.5
        assert len(told) <= LONGEST_TRACEBACK

    def test_an_error_that_was_never_raised(self) -> None:
        assert where(ValueError("password=x")) == "ValueError"

    def test_one_that_caused_itself(self) -> None:
        error = ValueError()
        error.__cause__ = KeyError()
        error.__cause__.__context__ = error
        assert where(error).splitlines() == ["KeyError", "ValueError"]


@recorded
class TestHostile:
    """Whatever is raised, it is on record, and the sender has the error that it would have had."""

    @pytest.mark.parametrize(
        "error",
        [
            Hostile(),
            NoText(),
            ValueError("\x00"),
            ValueError("\ud800 \udfff"),
            ValueError("x" * 5_000_000),
            ValueError(b"\xff"),
            ExceptionGroup("g", [ValueError()] * 50_000),
            type("Ä", (Exception,), {"__module__": "\x00"})(),
            type("E" * 1_000, (Exception,), {})(),
        ],
        ids=lambda error: type(error).__name__[:10].encode("ascii", "replace").decode(),
    )
    def test_an_error(self, error: Exception) -> None:
        def fail(named: dict[str, Any]) -> None:
            raise error

        listen(sent, note=fail, name="tests.fails")
        with connection.cursor(), pytest.raises(type(error)) as caught:
            sent.send(sender=None)
        assert caught.value is error
        [run] = ReceiverRun.objects.all()
        assert run.outcome == "failed"
        assert len(run.message) <= LONGEST_MESSAGE
        assert not health.lost

    @pytest.mark.parametrize("sender", ["\x00a", "\ud800", "x" * 5_000, 7, object(), int, None])
    def test_a_sender(self, sender: Any) -> None:
        listen(sent, name="tests.fine")
        with connection.cursor():
            sent.send(sender=sender)
        assert ReceiverRun.objects.count() == 1
        assert not health.lost

    def test_a_recursion_through_receivers(self) -> None:
        def again(named: dict[str, Any]) -> None:
            sent.send(sender=None)

        listen(sent, note=again, name="tests.again")
        started = time.perf_counter()
        with connection.cursor(), pytest.raises(RecursionError):
            sent.send(sender=None)
        assert time.perf_counter() - started < 10
        outermost = ReceiverRun.objects.get(parent=None)
        assert (outermost.outcome, outermost.error) == ("failed", "RecursionError")

    def test_the_words_of_the_settings(self) -> None:
        def fail(named: dict[str, Any]) -> None:
            raise ValueError("iban=DE02 and kiban: 7")

        listen(sent, note=fail, name="tests.fails", on_error="isolate")
        with override_settings(SIGNALKIT={"RUNS": {"RECORD": "all", "MASK": ["iban"]}}):
            sent.send(sender=None)
            assert ReceiverRun.objects.get().message == "iban=*** and kiban: ***"


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ('login(name, note="password=hunter2 x")', 'login(name, note="***")'),
        ("raise ValueError('failed: api_key=hunter2, so')", 'raise ValueError("***")'),
        ('raise ValueError(f"Authorization: Bearer hunter2")', 'raise ValueError("***")'),
        ('say("hello", name)', 'say("hello", name)'),
    ],
)
def test_a_string_in_code_that_names_a_secret_is_not_shown(code: str, shown: str) -> None:
    assert mask_literals(code) == shown


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("session_key", True), ("key", True), ("api_token", True), ("iban", True), ("id", False)],
)
def test_names_of_keys(name: str, is_one: bool) -> None:
    assert names_a_secret(name, ["iban"]) is is_one


@pytest.mark.parametrize(
    "text",
    [
        "<QueryDict: {'password': ['correct horse, battery staple'], 'x': ['y']}>",
        '{"tokens": ["correct", "battery staple"]}',
        "{'Authorization': ['Bearer correct horse']}",
        "{'password': SecretStr('correct horse')}",
    ],
)
def test_several_values_of_a_name(text: str) -> None:
    told = mask(text)
    assert "***" in told
    assert not any(word in told for word in ("correct", "horse", "battery", "staple"))
