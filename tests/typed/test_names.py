"""Annotations that name what is not there when the signal is declared."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections import OrderedDict
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
from django.contrib.auth.models import Group, User
from django.test import override_settings

from signalkit import TypedSignal
from signalkit.exceptions import DeclarationError, PayloadError
from signalkit.typed import signal
from signalkit.typed.signal import _unread, read_payloads
from tests.testapp.models import Author, Book, Tag, Ticket
from tests.typed import payloads
from tests.typed.making import Nameless, typed
from tests.typed.payloads import Later, Published, Texts

ROOT = Path(__file__).resolve().parents[2]

RIGHT = {
    "renamed": Tag(),
    "relative": Author(),
    "other_block": Ticket(),
    "module": Decimal(1),
    "renamed_module": OrderedDict(),
    "later": Later(),
    "label": Book(),
    "union": None,
    "listed": [],
    "setting": User(),
    "shadowed": User(),
    "unchecked": 3,
    "unchecked_json": None,
    "unchecked_attribute": None,
    "unchecked_part": None,
    "unchecked_optional": None,
    "unchecked_class": None,
    "part_of_package": Nameless(print),
}

texts: Any = TypedSignal(Texts)


def test_all_are_found() -> None:
    for name in ("Author", "Book", "Label", "models", "Ticket", "decimal", "abstract"):
        assert not hasattr(payloads, name)
    assert texts.send(sender=None, **RIGHT) == []
    assert texts.send(sender=None, **RIGHT | {"union": Book()}) == []


@pytest.mark.parametrize("name", [name for name in RIGHT if not name.startswith("unchecked")])
def test_all_are_checked(name: str) -> None:
    with pytest.raises(PayloadError, match=f"'{name}' is of type Group, expected"):
        texts.send(sender=None, **RIGHT | {name: Group()})


@pytest.mark.parametrize("name", [name for name in RIGHT if name.startswith("unchecked")])
def test_what_only_type_checkers_know_is_theirs_to_check(name: str) -> None:
    assert texts.send(sender=None, **RIGHT | {name: Group()}) == []


def test_a_module_is_read_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """However many payloads and fields it has; and again when it was reloaded."""
    (tmp_path / "reloaded.py").write_text(
        BEGIN
        + "if TYPE_CHECKING: from tests.testapp.models import Author, Book\n"
        + "@dataclass(frozen=True)\nclass Published:\n    book: 'Book'\n    author: 'Author'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    reads: list[ModuleType] = []
    getsource = inspect.getsource

    def read(module: ModuleType) -> str:
        reads.append(module)
        return getsource(module)

    monkeypatch.setattr(inspect, "getsource", read)
    reloaded = importlib.import_module("reloaded")
    for times in (1, 2):
        for _ in range(3):
            TypedSignal(reloaded.Published).send(sender=None, book=Book(), author=Author())
        assert reads == [reloaded] * times
        importlib.reload(reloaded)
    del sys.modules["reloaded"]


def test_what_had_to_wait_is_read_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "load_at_declaration", lambda module: None)
    waits, never = TypedSignal(Published), cast("Any", TypedSignal(Texts))
    assert {waits, never} <= set(_unread)
    read_payloads()
    assert waits not in _unread
    assert never in _unread  # for modules that nobody has loaded, it waits for the first send
    wrong = typed(book="Published | None")
    with pytest.raises(DeclarationError, match="'Published' is not defined in"):
        read_payloads()
    assert wrong in _unread
    assert never.send(sender=None, **RIGHT) == []
    assert never not in _unread
    _unread.discard(wrong)


def test_an_app_that_is_out_for_a_while() -> None:
    """What a name stands for is found once, also while other names have to wait."""
    waits = cast("Any", TypedSignal(Texts))
    assert waits in _unread
    with override_settings(INSTALLED_APPS=["signalkit", "tests.testapp"]):
        assert waits in _unread
        assert waits.send(sender=None, **RIGHT) == []
        with pytest.raises(PayloadError, match="'setting' is of type Group"):
            waits.send(sender=None, **RIGHT | {"setting": Group()})


def test_of_a_parent_in_another_module() -> None:
    """Its annotations are read where they were written: the names are not known here."""

    @dataclass(frozen=True, kw_only=True)
    class More(Texts):
        price: int

    more: Any = TypedSignal(More)
    assert more.send(sender=None, price=3, **RIGHT) == []
    with pytest.raises(PayloadError, match="'renamed' is of type Group, expected Label"):
        more.send(sender=None, price=3, **RIGHT | {"renamed": Group()})


def test_what_a_shop_would_write() -> None:
    signal = TypedSignal(Published)
    assert signal.send(sender=Book, book=Book()) == []
    with pytest.raises(PayloadError, match="'book' is of type Author, expected Book"):
        signal.send(sender=Book, book=Author())  # type: ignore[arg-type]


BEGIN = """
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING
from signalkit import TypedSignal
from signalkit.exceptions import DeclarationError, PayloadError
"""

SETTINGS = """
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=[{apps}],
    DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    SIGNALKIT={{"AUTODISCOVER": None}},
)
"""


class TestInAProcess:
    """From the import of the signals, before any app is loaded, to the first send."""

    @pytest.fixture
    def write(self, tmp_path: Path) -> Any:
        """Return what writes a module of signals and runs a script beside an app ``shop``."""
        shop = tmp_path / "shop"
        shop.mkdir()
        (shop / "__init__.py").touch()
        # models import the signals, as they do in a project: a circle, if the signals did too
        (shop / "models.py").write_text(
            "from django.db import models\nfrom shop import signals\n"
            "class Book(models.Model): pass\n"
        )
        (shop / "lazily.py").write_text("class Note: pass\n")

        def run(signals: str, script: str, *, apps: str = '"signalkit", "shop"') -> str:
            (shop / "signals.py").write_text(BEGIN + signals)
            done = subprocess.run(
                [sys.executable, "-W", "error", "-c", SETTINGS.format(apps=apps) + script],
                cwd=tmp_path,
                env={"PYTHONPATH": f"{ROOT}:{tmp_path}"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            return done.stdout

        return run

    PUBLISHED = """
if TYPE_CHECKING:
    from shop.models import Book
    from shop.lazily import Note
@dataclass(frozen=True)
class Published:
    book: "Book"
published = TypedSignal(Published)
assert "shop.models" not in sys.modules or not hasattr(sys.modules["shop.models"], "Book")
"""

    SEND = """
from shop import models, signals
signals.published.send(sender=None, book=models.Book())
try:
    signals.published.send(sender=None, book=3)
except signals.PayloadError as error:
    print(error)
"""

    @pytest.mark.parametrize("apps", ['"signalkit", "shop"', '"shop"'])
    def test_models_that_import_the_signals(self, write: Any, apps: str) -> None:
        said = write(self.PUBLISHED, "django.setup()" + self.SEND, apps=apps)
        assert said == (
            "shop.signals.published.send(): 'book' is of type int, expected Book. "
            "It takes book: Book.\n"
        )

    def test_it_is_read_when_django_is_ready(self, write: Any) -> None:
        """So that a send finds nothing to do but to check."""
        said = write(
            self.PUBLISHED,
            "django.setup()\nfrom shop import signals\n"
            "from signalkit.typed.signal import _unread\n"
            "print(signals.published._check.__name__, len(signals.published._kinds), *_unread)",
        )
        assert said == "check 1\n"

    @pytest.mark.parametrize(
        ("annotation", "why"),
        [
            ('"Boook"', "'Boook' is not defined in shop.signals. Did you mean"),
            ('"shop.Boook"', "there is no 'shop.Boook'. Did you mean 'shop.Book'?"),
        ],
    )
    def test_what_cannot_be_read_is_refused_at_the_start(
        self, write: Any, annotation: str, why: str
    ) -> None:
        signals = self.PUBLISHED.replace('"Book"', annotation)
        script = """
from django.core.exceptions import ImproperlyConfigured
try:
    django.setup()
except ImproperlyConfigured as error:
    print(error.filename)
    print(error)
"""
        said = write(signals, script)
        assert said.splitlines()[0].endswith("/shop/signals.py")
        assert "TypedSignal(shop.signals.Published) (" in said
        assert why in said

    def test_without_signalkit_installed_it_is_refused_at_the_first_send(self, write: Any) -> None:
        signals = self.PUBLISHED.replace('"Book"', '"Boook"')
        script = """
django.setup()
from shop import signals
for _ in range(2):
    try:
        signals.published.send(sender=None, book=3)
    except signals.DeclarationError as error:
        print(type(error).__name__)
"""
        assert write(signals, script, apps='"shop"') == "DeclarationError\n" * 2

    def test_nothing_is_imported_before_the_first_send(self, write: Any) -> None:
        signals = self.PUBLISHED.replace('"Book"', '"Note"')
        script = """
import sys
django.setup()
assert "shop.lazily" not in sys.modules
from shop import signals
try:
    signals.published.send(sender=None, book=3)
except signals.PayloadError as error:
    print(error)
from shop.lazily import Note
signals.published.send(sender=None, book=Note())
"""
        said = write(signals, script)
        assert "'book' is of type int, expected Note" in said
        assert said.count("\n") == 1

    def test_before_anything_is_set_up(self, write: Any) -> None:
        """A signal of plain types needs no Django that is set up."""
        signals = """
@dataclass(frozen=True)
class Counted:
    number: "int"
counted = TypedSignal(Counted)
"""
        script = """
from shop import signals
signals.counted.send(sender=None, number=3)
try:
    signals.counted.send(sender=None, number="x")
except signals.PayloadError as error:
    print(error)
"""
        assert "'number' is of type str, expected int" in write(signals, script)

    def test_a_model_before_the_models_are_loaded(self, write: Any) -> None:
        signals = self.PUBLISHED.replace('"Book"', '"shop.Book"')
        script = """
from django.core.exceptions import AppRegistryNotReady
from shop import signals
try:
    signals.published.send(sender=None, book=3)
except (AppRegistryNotReady, signals.DeclarationError) as error:
    print(type(error).__name__)
django.setup()
from shop.models import Book
print(signals.published.send(sender=None, book=Book()))
"""
        assert write(signals, script).splitlines()[1] == "[]"

    def test_forward_references_in_a_script(self, write: Any) -> None:
        """What a shell or a script defines later on is waited for."""
        script = """
from dataclasses import dataclass
from signalkit import TypedSignal
django.setup()
@dataclass(frozen=True)
class Published:
    book: "Later"
published = TypedSignal(Published)
class Later: pass
print(published.send(sender=None, book=Later()))
"""
        assert write("", script) == "[]\n"

    def test_forward_references_in_a_module_that_is_imported_late(
        self, write: Any, tmp_path: Path
    ) -> None:
        signals = self.PUBLISHED.replace('"Book"', '"Later"') + "class Later: pass\n"
        (tmp_path / "shop" / "late.py").write_text(BEGIN + signals)
        script = """
django.setup()
from shop import late
print(late.published.send(sender=None, book=late.Later()))
"""
        assert write("", script) == "[]\n"

    @pytest.mark.parametrize("annotation", ['"shop.Book"', '"Book"', '"models.Book"'])
    def test_a_payload_in_a_module_of_its_own(
        self, write: Any, tmp_path: Path, annotation: str
    ) -> None:
        """That module is complete, and the one that declares the signal is not."""
        (tmp_path / "shop" / "payloads.py").write_text(
            BEGIN
            + "if TYPE_CHECKING:\n    from shop import models\n    from shop.models import Book\n"
            + f"@dataclass(frozen=True)\nclass Published:\n    book: {annotation}\n"
        )
        signals = "from shop.payloads import Published\npublished = TypedSignal(Published)\n"
        said = write(signals, "django.setup()" + self.SEND)
        assert "'book' is of type int, expected" in said
        assert said.count("\n") == 1

    def test_a_module_that_declares_before_it_defines(self, write: Any, tmp_path: Path) -> None:
        (tmp_path / "shop" / "payloads.py").write_text(
            BEGIN
            + "if TYPE_CHECKING:\n    from shop import late\n"
            + "@dataclass(frozen=True)\nclass Published:\n    note: 'late.Note'\n"
        )
        (tmp_path / "shop" / "late.py").write_text(
            "from signalkit import TypedSignal\nfrom shop.payloads import Published\n"
            "published = TypedSignal(Published)\nclass Note: pass\n"
        )
        script = """
django.setup()
from shop import late
print(late.published.send(sender=None, note=late.Note()))
"""
        assert write("", script) == "[]\n"

    def test_a_module_that_is_imported_as_part_of_a_package(self, write: Any) -> None:
        signals = self.PUBLISHED.replace("from shop.lazily import Note", "from shop import lazily")
        script = """
django.setup()
from shop import signals
try:
    signals.published.send(sender=None, book=3)
except signals.PayloadError as error:
    print(error)
"""
        said = write(signals.replace('"Book"', '"lazily.Note"'), script)
        assert "'book' is of type int, expected lazily.Note" in said

    def test_where_there_is_no_source(self, write: Any) -> None:
        """What is for type checkers alone cannot be found then, and is refused."""
        script = """
import linecache
linecache.getlines = lambda *arguments: []
try:
    django.setup()
except Exception as error:
    print(error)
"""
        said = write(self.PUBLISHED, script)
        assert "'Book' is not defined in shop.signals." in said
