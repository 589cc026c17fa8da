"""The listing for people fits its width and hides nothing that matters."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management.color import color_style, no_style

from signalkit.diagnosis.listing import Row
from signalkit.diagnosis.table import Layout, plainly, render, shorten, summary

ROW = Row(
    signal="django.db.models.signals.post_save",
    signal_name="post_save",
    sender="shop.Book",
    sender_kind="model",
    receiver="shop.Welcome",
    path="shop.receivers.Welcome",
    kind="class",
    app="shop",
    phase="after_commit",
    position=1,
    order=0,
    options={},
    unusual=("created=True",),
    is_async=False,
    weak=False,
    state="connected",
    reason=None,
    off=None,
    file="/srv/shop/receivers.py",
    line=7,
    dispatch_uid="signalkit:shop.Welcome",
)
PLAIN = replace(
    ROW,
    receiver="django.contrib.auth.models.update_last_login",
    path="django.contrib.auth.models.update_last_login",
    kind="plain",
    phase="inline",
    position=2,
    order=None,
    unusual=(),
    weak=True,
    file="/venv/lib/site-packages/django/contrib/auth/models.py",
    dispatch_uid="update_last_login",
)


def lines(*rows: Row, width: int = 100, **layout: bool) -> list[str]:
    return [*render(rows, Layout(width, **layout), no_style())]


def test_a_row_of_each_kind() -> None:
    assert lines(ROW, PLAIN) == [
        "post_save  django.db.models.signals",
        "   1  shop.Welcome                                  shop.Book  after commit",
        "      /srv/shop/receivers.py:7 · created=True",
        "   2  django.contrib.auth.models.update_last_login  shop.Book  plain",
        "      django/contrib/auth/models.py:7 · weak · uid=update_last_login",
        "",
    ]


def test_signals_are_headings() -> None:
    other = replace(ROW, signal="shop.signals.sold")

    headings = [line for line in lines(ROW, other) if line and not line.startswith(" ")]

    assert headings == ["post_save  django.db.models.signals", "sold  shop.signals"]


def test_a_signal_without_a_module() -> None:
    assert lines(replace(ROW, signal="sold"))[0] == "sold"


def test_without_details() -> None:
    assert len(lines(ROW, details=False)) == 3


def test_in_full() -> None:
    text = "\n".join(lines(replace(ROW, receiver="x" * 200), full=True, width=80))

    assert "x" * 200 in text
    assert "uid=signalkit:shop.Welcome · shop.receivers.Welcome" in " ".join(text.split())


def test_a_plain_receiver_in_full_says_its_path_once() -> None:
    assert "\n".join(lines(PLAIN, full=True)).count("update_last_login") == 2


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    wide = replace(
        PLAIN,
        receiver="very.long." * 12 + "end",
        sender="shop.AnUncommonlyLongNameOfAModelIndeedItIs",
        dispatch_uid="one two " * 20,
        state="unconnected",
        reason="of a reason " * 20,
    )

    assert max(map(len, lines(wide, ROW, width=width))) <= width


def test_what_is_too_long_keeps_its_end() -> None:
    assert shorten("django.contrib.auth", 8) == "…ib.auth"
    assert shorten("auth", 4) == "auth"


def test_a_file_below_the_current_folder_is_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    (_, _, where, _) = lines(replace(ROW, file=str(tmp_path / "shop" / "receivers.py")))

    assert where.strip().startswith("shop/receivers.py:7")


def test_what_has_no_line_or_no_file() -> None:
    assert "/srv/shop/receivers.py ·" in lines(replace(ROW, line=None))[2]
    assert lines(replace(ROW, file=None))[2].strip() == "created=True"


def test_an_asynchronous_one() -> None:
    assert " · async · " in lines(replace(ROW, is_async=True))[2]


@pytest.mark.parametrize(
    ("off", "says"),
    [
        ("kill_switch", "off: SIGNALKIT['ENABLED'] is False"),
        ("settings", "off: SIGNALKIT['DISABLED']"),
        ("process", "off: signalkit.disable()"),
        ("muted", "off: muted here"),
    ],
)
def test_one_that_is_switched_off(off: str, says: str) -> None:
    assert lines(replace(ROW, off=off))[2].strip() == says  # type: ignore[arg-type]  # each Off


@pytest.mark.parametrize(
    ("state", "says"),
    [("unconnected", "not connected: because"), ("dead", "dead: because")],
)
def test_one_that_is_not_connected(state: str, says: str) -> None:
    row = replace(ROW, state=state, reason="because", position=None)  # type: ignore[arg-type]  # each State

    shown = lines(row)

    assert shown[1].startswith("   -  shop.Welcome")
    assert shown[2].strip() == says


def test_colours_tell_the_kinds_apart() -> None:
    style = color_style(force_color=True)
    rows = [ROW, PLAIN, replace(ROW, off="muted"), replace(ROW, state="dead", reason="because")]

    shown = [*render(rows, Layout(100, details=False), style)]
    painted = [bool(re.search(r"\x1b\[", line)) for line in shown]

    assert painted == [True, True, False, True, True, True, True, False]
    assert len({shown[1][6:12], shown[3][6:12], shown[5][6:12]}) == 3


def test_the_summary_counts() -> None:
    assert summary([ROW, PLAIN]) == "2 rows of 1 signal: 1 by signalkit, 1 plain."
    assert summary([ROW]) == "1 row of 1 signal: 1 by signalkit, 0 plain."


def test_nothing_to_show() -> None:
    assert lines() == []


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "…größe.py:7 · when=日"),
        ("latin-1", "~größe.py:7 | when=\\u65e5"),
        ("ascii", "~gr\\xf6\\xdfe.py:7 | when=\\u65e5"),
    ],
)
def test_what_cannot_be_shown(encoding: str, shown: str) -> None:
    assert plainly("…größe.py:7 · when=日", encoding) == shown


def test_what_can_be_shown_is_left_alone() -> None:
    assert plainly("größe · when", "latin-1") == "größe · when"


def test_a_file_whose_name_is_in_no_encoding() -> None:
    assert plainly("gr\udcf6sse.py:7 · when", "utf-8") == "gr\\udcf6sse.py:7 | when"
