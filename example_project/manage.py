#!/usr/bin/env python
"""The command line of the book shop."""

import os
import sys


def main() -> None:
    """Run one of Django's or the shop's commands."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bookshop.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
