"""Runs the Python examples of one page, in order, in the book shop. Called by test_examples."""

import re
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(page: Path) -> list[tuple[int, str]]:
    """Return the line and the text of each example."""
    text = page.read_text()
    return [(text.count("\n", 0, match.start(1)), match[1]) for match in EXAMPLE.finditer(text)]


def run(page: Path) -> int:
    """Run the examples of a page in one namespace and return how many there were."""
    namespace = {"__name__": "shop.receivers"}
    found = examples(page)
    for line, source in found:
        # so that a traceback shows the line of the page
        code = compile("\n" * line + source, str(page), "exec")
        exec(code, namespace)
    return len(found)


def set_up() -> None:
    """Make the book shop ready, with an empty database and without its own receivers."""
    settings.configure(
        INSTALLED_APPS=["signalkit", "shop", "django.contrib.auth", "django.contrib.contenttypes"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        SIGNALKIT={"AUTODISCOVER": None},
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)


if __name__ == "__main__":
    set_up()
    sys.stdout.write(f"{run(Path(sys.argv[1]))} examples\n")
