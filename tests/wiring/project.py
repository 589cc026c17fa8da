"""Projects of a few files, run in a Python of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

PREAMBLE = """\
import json, sys
import django
from django.conf import settings

settings.configure(**json.loads(sys.argv[1]))
said = []
"""

FAILED = """\
except Exception as error:
    said.append(f"{type(error).__name__}: {error}")
print(json.dumps(said))
"""


class Project:
    """Files in a directory, and on ``sys.path``: it and its ``site-packages``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.site_packages = root / ".venv" / "lib" / "site-packages"

    def write(self, files: Mapping[str, str]) -> None:
        """Write some files; each package on the way gets its ``__init__.py``.

        Args:
            files: contents by path. ``site:`` in front of a path puts it into site-packages.
        """
        for name, content in files.items():
            base = self.site_packages if name.startswith("site:") else self.root
            path = base / name.removeprefix("site:")
            path.parent.mkdir(parents=True, exist_ok=True)
            for parent in path.relative_to(base).parents[:-1]:
                (base / parent / "__init__.py").touch()
            path.write_text(dedent(content))

    def run(
        self, script: str, *apps: str, options: Mapping[str, Any] | None = None, **settings: Any
    ) -> list[Any]:
        """Run a script with these INSTALLED_APPS and settings.

        Args:
            script: it appends to ``said``; an exception is what was said last.
            apps: the INSTALLED_APPS.
            options: the ``SIGNALKIT`` dictionary; absent by default.
            settings: more settings.

        Returns:
            What was said.
        """
        settings = {
            "INSTALLED_APPS": apps,
            "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
            **({} if options is None else {"SIGNALKIT": options}),
            **settings,
        }
        code = f"{PREAMBLE}try:\n{indent(dedent(script), '    ')}\n{FAILED}"
        completed = subprocess.run(
            [sys.executable, "-W", "error::ResourceWarning", "-c", code, json.dumps(settings)],
            cwd=self.root,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(map(str, [self.root, self.site_packages, ROOT])),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert completed.returncode == 0, completed.stderr
        said: list[Any] = json.loads(completed.stdout.splitlines()[-1])
        return said
