"""What the templates need to know about the shop."""

from decimal import Decimal

from django import template

from ..money import money as as_money

register = template.Library()


@register.filter
def money(amount: Decimal) -> str:
    """Write an amount as a price."""
    return as_money(amount)
