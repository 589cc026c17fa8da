"""What the README and the pages show can be pasted where they say, into a project with a book shop.

Each block of Python names its file in its first line. The blocks of a page are written to these
files, in a project of their own; everything is imported while the database cannot be reached, and
the tests that a page shows are run.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import blocks

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "example_project" / "shop"
# the tutorial has a test of its own, which follows it to the letter
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs" / "how-to").glob("*.md")),
    ROOT / "docs" / "explanation" / "when-not.md",
]
WITH_CODE = [page for page in PAGES if blocks(page, "python")]

SETTINGS = """
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.sites",
]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/no/such/directory/db"},
    "other": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/no/such/directory/other"},
}
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "bookshop.urls"
SECRET_KEY = "only-for-the-documentation"
SITE_ID = 1
USE_TZ = True
"""

INSTALLED = '\nINSTALLED_APPS += ["signalkit", "shop"]\n'

URLS = """
from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
"""

# No table is there, nor the file that would hold one: importing must not ask the database.
IMPORT_ALL = """
import importlib, sys
import django
django.setup()
from django.core.management import call_command
for module in sys.argv[1:]:
    importlib.import_module(module)
call_command("check", fail_level="WARNING")
"""


def make_project(page: Path, root: Path) -> list[str]:
    """Write a page's blocks to their files and return the modules that came of it, dotted."""
    texts: dict[str, str] = {}
    continues: dict[str, bool] = {}  # what the first block of a file says
    for block in blocks(page, "python"):
        assert block.file is not None, f"{page.name}:{block.line}: which file is this?"
        continues.setdefault(block.file, block.continues)
        texts[block.file] = texts.get(block.file, "") + "\n\n" + block.text
    for package in ("bookshop", "shop"):
        (root / package).mkdir()
        (root / package / "__init__.py").touch()
    settings = texts.pop("bookshop/settings.py", "")
    (root / "bookshop" / "settings.py").write_text(
        SETTINGS + (settings if "INSTALLED_APPS" in settings else INSTALLED + settings)
    )
    (root / "bookshop" / "urls.py").write_text(URLS + texts.pop("bookshop/urls.py", ""))
    if "shop/models.py" not in texts:
        shutil.copy(SHOP / "models.py", root / "shop")
        shutil.copytree(SHOP / "migrations", root / "shop" / "migrations")
    elif continues["shop/models.py"]:  # without the migrations, which know nothing of what is added
        texts["shop/models.py"] = (SHOP / "models.py").read_text() + texts["shop/models.py"]
    for file, text in texts.items():
        (root / file).write_text(text)
    modules = ["bookshop/urls.py", *texts]
    return [file.removesuffix(".py").replace("/", ".") for file in modules]


def run(root: Path, *arguments: str) -> str:
    """Run the tests' Python in a project and return what it said; an error fails the test."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "bookshop.settings",
        "PYTHONPATH": os.pathsep.join([str(root), str(ROOT)]),
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_work_where_they_belong(page: Path, tmp_path: Path) -> None:
    modules = make_project(page, tmp_path)
    run(tmp_path, "-c", IMPORT_ALL, *modules)
    if "shop.tests" in modules:
        said = run(tmp_path, "-m", "django", "test", "shop")
        assert "OK" in said.splitlines(), said
        assert "Ran 0 tests" not in said, said


def test_the_main_pages_are_among_them() -> None:
    """A pattern that matches nothing would make everything pass."""
    names = {page.name for page in WITH_CODE}
    assert {"README.md", "phases.md", "conditions.md", "testing.md", "when-not.md"} <= names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_python_is_shown_under_another_name(page: Path) -> None:
    """``py`` and ``pycon`` blocks would not be run."""
    assert blocks(page, "py", "pycon", "python3", "pytb") == []
