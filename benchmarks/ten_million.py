"""How quick the record is to read and to prune when it is large.

Fills the table of a database of its own with rows of 90 days, times what the commands, the admin
and the queryset ask, and prints milliseconds. The database is dropped afterwards.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

DAYS = 90
REPEATS = 7

Number = Callable[[str], str]

_COLUMNS = (
    "run, parent, receiver, signal, sender, object, phase, outcome, attempt, started, duration, "
    "queries, error, message, traceback, actor_type, actor_id, actor_label, correlation, source, "
    "detail, reason, address, alias"
)


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ten_million", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "mariadb"), default="sqlite")
    parser.add_argument("--rows", type=int, default=10_000_000)
    options = parser.parse_args()
    os.environ["SIGNALKIT_TEST_DB"] = options.database
    os.environ["SIGNALKIT_TEST_RUN"] = f"{os.environ.get('SIGNALKIT_TEST_RUN', '')}_ten_million"
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["testserver"]
    django.setup()
    from benchmarks import databases

    with databases.made({"default": None}):
        from django.db import connection

        version = ".".join(map(str, connection.get_database_version()))
        _say(f"Django {django.__version__}, {connection.display_name} {version}")
        began = time.perf_counter()
        _fill(options.rows)
        _say(f"{options.rows:,} rows of {DAYS} days, in {time.perf_counter() - began:.0f} s\n")
        _say(f"{'milliseconds':<58}{'fastest':>9}{'median':>9}")
        for name, do in _questions(options.rows):
            times = [_timed(do) for _ in range(REPEATS)]
            _say(f"{name:<58}{min(times):>9,.1f}{statistics.median(times):>9,.1f}")
        for name, do in _prunings():
            _say(f"{name:<58}{_timed(do):>9,.1f}")
    return 0


def _questions(rows: int) -> Iterator[tuple[str, Callable[[], object]]]:
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client
    from django.urls import reverse
    from django.utils import timezone

    from signalkit.runs.models import ReceiverRun
    from signalkit.runs.names import recorded_names
    from signalkit.runs.statistics import figures

    runs = ReceiverRun.objects
    middle = ReceiverRun.objects.filter(pk__gte=rows // 2).order_by("pk")[0]
    week = timedelta(days=7)
    names = recorded_names(ReceiverRun, "default")
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    page = reverse("admin:signalkit_runs_receiverrun_changelist")

    def command(*arguments: str) -> Callable[[], object]:
        def call() -> None:
            output = io.StringIO()
            call_command("signalkit", *arguments, stdout=output, stderr=output)
            assert output.getvalue()

        return call

    def visit(query: str) -> Callable[[], object]:
        def get() -> None:
            response = client.get(f"{page}{query}")
            assert response.status_code == 200
            assert b"shop.Receiver" in response.content or b"shop.Rare" in response.content

        return get

    yield "runs: newest page", lambda: list(runs.page(50))
    yield "runs: page in the middle", lambda: list(runs.page(50, before=middle.pk))
    yield (
        "runs: of a receiver with 40 % of the rows",
        lambda: list(runs.of("shop.Receiver0").page(50)),
    )
    yield "runs: of a receiver with ten", lambda: list(runs.of("shop.Rare").page(50))
    yield "runs: about an object", lambda: list(runs.about(middle.object).page(50))
    yield "runs: failed", lambda: list(runs.failed().page(50))
    yield "runs: the last 15 minutes", lambda: list(runs.since(timedelta(minutes=15)).page(50))
    yield "manage.py signalkit runs", command("runs")
    yield "manage.py signalkit runs --tree", command("runs", "--tree", middle.correlation)
    yield "manage.py signalkit runs --never-ran", command("runs", "--never-ran")
    yield (
        f"list --stats: {len(names)} receivers, 7 days",
        lambda: figures(runs.all(), {name: [name] for name in names}, timezone.now() - week),
    )
    yield (
        "manage.py signalkit runs --actor auth.User:7",
        command("runs", "--actor", "auth.User:7"),
    )
    yield "list --orphaned: names on record", lambda: recorded_names(ReceiverRun, "default")
    yield "admin: newest page", visit("")
    yield "admin: page in the middle", visit(f"?older_than={middle.pk}")
    yield "admin: failed", visit("?outcome__exact=failed")
    yield "admin: of one receiver", visit("?receiver=shop.Receiver7")
    yield "admin: receivers that begin with shop.R", visit("?q=shop.R")
    yield "admin: correlation id", visit(f"?q={middle.correlation}")
    yield "admin: object", visit(f"?q={middle.object}")
    yield "admin: tree", lambda: client.get(f"{page}tree/{middle.correlation}/")
    # No index leads to these.
    yield (
        "runs: failed, of one receiver",
        lambda: list(runs.failed().of("shop.Receiver39").page(50)),
    )
    yield (
        "runs: a week of one actor, found",
        lambda: list(runs.since(week).by("auth.User:7").page(50)),
    )
    yield (
        "runs: a week of one actor, none",
        lambda: list(runs.since(week).by("auth.User:x").page(50)),
    )
    yield "runs: never ran, 7 days", lambda: list(runs.never_ran().since(week).page(50))
    yield "runs: never ran, everything", lambda: list(runs.never_ran().page(5_000))


def _prunings() -> Iterator[tuple[str, Callable[[], object]]]:
    from signalkit.runs.models import ReceiverRun
    from signalkit.runs.retention import count_old, prune

    first = ReceiverRun.objects.order_by("pk").values_list("pk", flat=True)[0]
    cutoff = ReceiverRun.objects.get(pk=first + 100_000).started
    yield "prune --dry-run", lambda: count_old(ReceiverRun, "default", cutoff)
    yield "prune: 100,000 rows", lambda: list(prune(ReceiverRun, "default", cutoff))


def _timed(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return (time.perf_counter() - began) * 1000


def _fill(rows: int) -> None:
    from django.db import connection

    from signalkit.runs.models import ReceiverRun

    table = ReceiverRun._meta.db_table
    indexes = ReceiverRun._meta.indexes
    # Sorted at once, they take a fraction of the time.
    with connection.schema_editor() as editor:
        for index in indexes:
            editor.remove_index(ReceiverRun, index)
    with connection.cursor() as cursor:
        columns = ", ".join(map(connection.ops.quote_name, _COLUMNS.split(", ")))
        cursor.execute(f"INSERT INTO {table} ({columns}) {_select(connection.vendor, rows)}")
    with connection.schema_editor() as editor:
        for index in indexes:
            editor.add_index(ReceiverRun, index)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {'TABLE ' if connection.vendor == 'mysql' else ''}{table}")


def _select(vendor: str, rows: int) -> str:
    """Return what yields the rows: a twentieth scheduled, a hundredth failed, forty receivers."""
    seconds = DAYS * 86_400 / rows
    dialects: dict[str, tuple[str, str, Number, Number, Callable[[str, str], str]]] = {
        "postgresql": (
            f"generate_series(1, {rows}) AS series(n)",
            f"now() - make_interval(secs => ({rows} - n) * {seconds})",
            lambda number: f"({number})::text",
            lambda number: f"lpad(to_hex({number}), 32, '0')",
            lambda a, b: f"({a} / {b})",
        ),
        "sqlite": (
            (
                f"(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s "
                f"WHERE n < {rows}) SELECT n FROM s)"
            ),
            f"strftime('%Y-%m-%d %H:%M:%f', 'now', ((n - {rows}) * {seconds}) || ' seconds')",
            lambda number: f"CAST({number} AS text)",
            lambda number: f"printf('%032x', {number})",
            lambda a, b: f"({a} / {b})",
        ),
        "mysql": (
            f"(SELECT CAST(seq AS SIGNED) AS n FROM seq_1_to_{rows}) AS series",
            f"TIMESTAMPADD(MICROSECOND, (n - {rows}) * {seconds * 1e6:.0f}, UTC_TIMESTAMP(6))",
            lambda number: f"CAST({number} AS CHAR)",
            lambda number: f"LPAD(LOWER(HEX({number})), 32, '0')",
            lambda a, b: f"({a} DIV {b})",
        ),
    }
    series, ago, text, digits, divided = dialects[vendor]
    big = "CAST(n AS bigint)" if vendor == "postgresql" else "n"

    def joined(prefix: str, number: str) -> str:
        if vendor == "mysql":
            return f"CONCAT('{prefix}', {text(number)})"
        return f"'{prefix}' || {text(number)}"

    scattered = f"({big} % 1000003) * 9000000000"
    # Rows 0 and 1 of twenty are one run: scheduled, and what came of it. A thousand never ran.
    lost = max(rows // 1000 // 20, 1) * 20
    of_pair = f"CASE WHEN n % 20 = 1 AND n % {lost} <> 1 THEN {big} - 1 ELSE {big} END"
    run = f"(({of_pair}) % 1000003) * 9000000000 + ({of_pair})"
    cause = divided(big, "3")
    share = f"({big} * 7919) % 1000"
    receiver = (
        "CASE WHEN n % 1000000 = 123456 THEN 'shop.Rare' ELSE "
        + joined(
            "shop.Receiver",
            f"CASE WHEN {share} < 400 THEN 0 WHEN {share} < 650 THEN 1 WHEN {share} < 800 THEN 2 "
            f"ELSE 3 + {share} % 37 END",
        )
        + " END"
    )
    outcome = (
        "CASE WHEN n % 20 = 0 THEN 'scheduled' WHEN n % 100 = 37 THEN 'failed' "
        "WHEN n % 50 = 13 THEN 'skipped' ELSE 'succeeded' END"
    )
    ran = "n % 20 <> 0 AND n % 50 <> 13"
    failed = "n % 100 = 37"
    values = {
        "run": run,
        "parent": f"CASE WHEN n % 3 = 0 THEN NULL ELSE {scattered} END",
        "receiver": receiver,
        "signal": "'post_save'",
        "sender": "'shop.Book'",
        "object": joined("shop.Book:", f"({big} * 7919) % 1000003"),
        "phase": "'after_commit'",
        "outcome": outcome,
        "attempt": "1",
        "started": ago,
        "duration": f"CASE WHEN {ran} THEN ({big} * 7919) % 100000 ELSE NULL END",
        "queries": f"CASE WHEN {ran} THEN n % 7 ELSE NULL END",
        "error": f"CASE WHEN {failed} THEN 'builtins.ValueError' ELSE '' END",
        "message": f"CASE WHEN {failed} THEN 'no such book' ELSE '' END",
        "traceback": f"CASE WHEN {failed} THEN 'File shop/receivers.py, line 12' ELSE '' END",
        "actor_type": "'auth.User'",
        "actor_id": text("n % 1000"),
        "actor_label": joined("user", "n % 1000"),
        "correlation": digits(f"({cause} % 1000003) * 9000000000 + {cause}"),
        "source": "'request'",
        "detail": "'POST /books/'",
        "reason": "''",
        "address": "'192.0.2.1'",
        "alias": "'default'",
    }
    assert ", ".join(values) == _COLUMNS
    return f"SELECT {', '.join(values.values())} FROM {series}"


def _say(line: str = "") -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
