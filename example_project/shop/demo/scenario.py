"""The day in its order."""

import django

from . import bookseller, customers, house, on_record, opening
from .stage import Step

DAY: tuple[Step, ...] = (
    opening.build_a_model,
    opening.migrate,
    opening.fill_the_shelves,
    opening.look_around,
    opening.search,
    customers.sign_up,
    customers.order,
    customers.refuse_an_order,
    customers.till_closed,
    customers.warehouse_away,
    customers.savepoint,
    bookseller.publish,
    bookseller.restock,
    bookseller.tags,
    bookseller.delete_an_author,
    bookseller.delete,
    bookseller.muted,
    customers.leave,
    house.fire_drill,
    house.currency,
    house.edit_notice,
    # Before Django 6.0 there are no tasks, and a function that fails just raises.
    *((house.task,) if django.VERSION >= (6, 0) else ()),
    on_record.an_order,
    on_record.what_failed,
    on_record.what_was_rolled_back,
)
