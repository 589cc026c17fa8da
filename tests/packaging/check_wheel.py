"""Builds the distributions, installs the wheel outside the checkout and tries it there.

``python -m tests.packaging.check_wheel``. The wheel is built from the sdist, as an installer would
that found no wheel. Then the example project is copied next to it and run on it: ``check``,
``migrate``, ``makemigrations --check``, and the receivers listed.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Broken(Exception):
    """The wheel is not what it should be."""


def run(*command: object, cwd: Path) -> str:
    """Run a command away from the checkout; return what it printed.

    Args:
        command: the program and its arguments.
        cwd: where to run it.

    Raises:
        Broken: if it failed.
    """
    arguments = list(map(str, command))
    # Neither the checkout nor anything this process was told about it may help.
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    kept.pop("DJANGO_SETTINGS_MODULE", None)
    environment = kept | {"DATABASE_URL": f"sqlite:///{cwd / 'db.sqlite3'}"}
    done = subprocess.run(
        arguments,
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Broken(f"{' '.join(arguments)} exited with {done.returncode}:\n{done.stdout}")
    return done.stdout


def files_of_the_package() -> Iterator[str]:
    """Yield what the wheel has to hold of the package, by its path in the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "signalkit"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    yield from listed.stdout.splitlines()


def check_contents(wheel: Path, sdist: Path) -> None:
    """Compare the distributions with the checkout.

    Raises:
        Broken: if a file is missing or does not belong.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        licensed = any(name.endswith("/licenses/LICENSE") for name in archive.namelist())
    expected = set(files_of_the_package())
    if names != expected or "signalkit/py.typed" not in names or not licensed:
        raise Broken(f"{wheel.name}: differs in {sorted(names ^ expected)}, licence: {licensed}")
    with tarfile.open(sdist) as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    missing = {"signalkit", "tests", "pyproject.toml", "README.md", "LICENSE"} - tops
    if missing:
        raise Broken(f"{sdist.name}: lacks {sorted(missing)}")


def main() -> int:
    """Build, install, try; return the exit status."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    with tempfile.TemporaryDirectory(prefix="signalkit-wheel-") as folder:
        away = Path(folder).resolve()
        run(sys.executable, "-m", "build", "--outdir", away, ROOT, cwd=away)
        (wheel,), (sdist,) = away.glob("*.whl"), away.glob("*.tar.gz")
        check_contents(wheel, sdist)
        print(f"built {sdist.name} and from it {wheel.name}")

        venv.create(away / "venv", with_pip=True)
        python = away / "venv" / "bin" / "python"
        run(python, "-m", "pip", "install", "--quiet", wheel, *groups["example"], cwd=away)
        where = run(python, "-c", "import signalkit; print(signalkit.__file__)", cwd=away).strip()
        if not Path(where).is_relative_to(away / "venv"):
            raise Broken(f"signalkit comes from {where}")
        print("installed it outside the checkout")

        site = away / "example_project"
        shutil.copytree(
            ROOT / "example_project",
            site,
            ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3*", ".env"),
        )
        for command in (
            ["check", "--fail-level", "WARNING"],
            ["migrate", "--verbosity", "0"],
            ["makemigrations", "--check", "--dry-run"],
            ["signalkit", "list"],
        ):
            run(python, "-W", "error", "manage.py", *command, cwd=site)
            print(f"manage.py {' '.join(command)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as error:
        sys.exit(f"wheel: {error}")
