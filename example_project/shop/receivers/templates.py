"""What pages are made of, as the tests see it.

The package does not import this module; whoever sets up Django's test environment does, as the
demo and the tests do. Only there are templates instrumented so that they send this signal, and
importing `django.test` into a server would load the whole of it for nothing.
"""

from typing import Any

from django.test.signals import template_rendered

import signalkit

from ..pulse import pulse


@signalkit.receiver(template_rendered, name="shop.note_template")
def note_template(sender: Any, template: Any, **kwargs: Any) -> None:
    """Count the templates a page is made of."""
    pulse.templates[template.name or "(from a string)"] += 1
