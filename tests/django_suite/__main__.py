"""Runs Django's own tests with signalkit in INSTALLED_APPS and its observer on each connection.

``python -m tests.django_suite [--plain | --bulk] [LABEL...]``. The tests come with the source of
the very Django that is installed. ``--plain`` leaves signalkit out, to see what fails without it;
``--bulk`` watches every model for bulk writes, too, with a receiver on each of the signals.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parents[2]

SUITES = (
    "async",
    "bulk_create",
    "delete",
    "dispatch",
    "handlers",
    "m2m_signals",
    "signals",
    "test_utils",
    "transaction_hooks",
    "transactions",
)


def source_of_django(cache: Path) -> Path:
    """Return the unpacked source of the installed Django, downloading it once.

    Args:
        cache: the folder that keeps it.
    """
    version = django.get_version()
    source = cache / f"django-{version}"
    if not source.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            subprocess.run(
                [
                    *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
                    *("--no-binary", "django", "--dest", scratch, f"django=={version}"),
                ],
                check=True,
            )
            (archive,) = Path(scratch).glob("*.tar.gz")
            with tarfile.open(archive) as tar:
                tar.extractall(scratch, filter="data")
            try:
                (Path(scratch) / source.name).rename(source)
            except OSError:
                # another run on this machine was quicker
                if not source.exists():
                    raise
    return source


def main() -> int:
    """Run the suites; return the exit status."""
    parser = argparse.ArgumentParser(prog="tests.django_suite", description=__doc__)
    parser.add_argument("labels", nargs="*", default=SUITES)
    parser.add_argument("--plain", action="store_true", help="without signalkit")
    parser.add_argument("--bulk", action="store_true", help="with every model watched")
    parser.add_argument("--cache", type=Path, default=ROOT / ".tox" / "django-source")
    options = parser.parse_args()
    tests = source_of_django(options.cache) / "tests"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    if options.plain:
        environment["SIGNALKIT_SUITE_PLAIN"] = "1"
    if options.bulk:
        environment["SIGNALKIT_SUITE_BULK"] = "1"
    return subprocess.run(
        [
            *(sys.executable, "runtests.py", "--settings=tests.django_suite.settings"),
            *("--noinput", "--parallel=1", *options.labels),
        ],
        cwd=tests,
        env=environment,
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
