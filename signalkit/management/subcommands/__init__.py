"""What ``manage.py signalkit`` can do: a module each, called as its subcommand is.

A module holds one class named ``Subcommand``, which inherits from
:class:`signalkit.management.subcommand.Subcommand`. Nothing else has to know of it.
"""
