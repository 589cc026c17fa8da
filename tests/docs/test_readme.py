"""What the README shows does what its comments say, in the book shop."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SCENE = """
from pathlib import Path

from django.core import mail
from django.db import transaction
from django.test.utils import setup_test_environment
from tests.docs.run_page import examples, set_up

set_up()
setup_test_environment()

from django.contrib.auth.models import User
from shop.models import Author, Book, Order

exec(examples(Path("README.md"))[0][1], {"__name__": "shop.receivers"})

customer = User.objects.create(username="ada", email="ada@example.org")
try:
    with transaction.atomic():
        Order.objects.create(customer=customer)
        raise RuntimeError
except RuntimeError:
    pass
assert mail.outbox == [], "a mail about an order that was rolled back"

with transaction.atomic():
    order = Order.objects.create(customer=customer)
    assert mail.outbox == [], "a mail before the commit"
order.save()
assert [message.to for message in mail.outbox] == [["ada@example.org"]]

book = Book.objects.create(title="Emma", author=Author.objects.create(name="Jane Austen"))
book.save()
book.status = "published"
book.save()
book.save()
"""


def test_the_example_keeps_its_word() -> None:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "example_project")])
    done = subprocess.run(
        [sys.executable, "-c", SCENE],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # on_error and changed: told once, when the status changed
    assert done.stdout.splitlines() == ["Emma is now published"]
