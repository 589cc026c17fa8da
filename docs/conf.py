"""How the documentation is built. Sphinx imports the package, so Django is set up first."""

import tomllib
from pathlib import Path

import django
from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent

settings.configure(
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "signalkit",
    ],
    SECRET_KEY="only-for-the-documentation",
    USE_TZ=True,
)
django.setup()

project = "signalkit"
author = "the signalkit authors"
copyright = f"2026, {author}"
release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
# every heading can be linked to, the way it would be on a forge
myst_heading_anchors = 4
# of a session, the commands are copied, without the prompt and what they print
copybutton_prompt_text = "$ "
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"

# A reference that leads nowhere is an error, in prose and in docstrings alike. Names of Django and
# of the standard library have no target here: their own documentation is elsewhere.
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(django|collections|concurrent|contextlib|typing|types)\..*"),
    (r"py:.*", r"(~?_?[A-Z]{1,2}|[A-Za-z]*Error|[A-Za-z]*Exception)"),
    # type variables
    (r"py:.*", r"(signalkit\.[\w.]+\.)?(_?[A-Z]|Owner|Related|User)"),
]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"signalkit {release}"
