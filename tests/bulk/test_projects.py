"""Projects that watch models, in a Python of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wiring.project import Project

MODELS = """
    from django.db import models

    class BookQuerySet(models.QuerySet):
        use_in_migrations = True

        def update(self, **kwargs):
            return super().update(**kwargs)

    class BookManager(models.Manager.from_queryset(BookQuerySet)):
        use_in_migrations = True

    class PlainManager(models.Manager):
        use_in_migrations = True

    class Author(models.Model):
        name = models.CharField(max_length=50)

    class Book(models.Model):
        title = models.CharField(max_length=50)
        author = models.ForeignKey(Author, models.SET_NULL, null=True, related_name="books")
        objects = BookManager()
        plain = PlainManager()
        published = BookQuerySet.as_manager()
"""

RECEIVERS = """
    from signalkit import ModelReceiver, bulk

    bulk.watch("shop.Author", pks=True)

    class Index(ModelReceiver):
        signal = bulk.post_update
        sender = "shop.Book"
        seen = []

        def handle(self, event):
            self.seen.append(event.rows)
"""


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """Return a shop whose migrations were made before anything was watched."""
    project = Project(tmp_path)
    project.write({"shop/models.py": MODELS})
    said = project.run(
        """
        django.setup()
        from django.core.management import call_command
        call_command("makemigrations", "shop", verbosity=0)
        """,
        "shop",
    )
    assert said == []
    assert (tmp_path / "shop/migrations/0001_initial.py").exists()
    return project


def test_no_migration_is_to_be_made(shop: Project) -> None:
    shop.write({"shop/receivers.py": RECEIVERS})

    said = shop.run(
        """
        django.setup()
        from io import StringIO
        from django.core.management import call_command
        from django.db.models import QuerySet
        from shop.models import Book
        said.append(QuerySet.update.__code__.co_filename.endswith("signalkit/bulk/interception.py"))
        output = StringIO()
        call_command("makemigrations", "--check", "--dry-run", stdout=output)
        said.append(output.getvalue().strip())
        call_command("migrate", verbosity=0)
        Book.objects.create(title="a")
        Book.objects.update(title="b")
        from shop.receivers import Index
        said.append(Index.seen)
        """,
        "signalkit",
        "shop",
    )

    assert said == [True, "No changes detected", [1]]


def test_a_migration_that_writes_many_rows_is_not_told(shop: Project) -> None:
    shop.write(
        {
            "shop/receivers.py": RECEIVERS,
            "shop/migrations/0002_fill.py": """
                from django.db import migrations

                def fill(apps, schema_editor):
                    book = apps.get_model("shop", "Book")
                    book.objects.bulk_create([book(title="a"), book(title="b")])
                    book.objects.update(title="c")

                class Migration(migrations.Migration):
                    dependencies = [("shop", "0001_initial")]
                    operations = [migrations.RunPython(fill)]
            """,
        }
    )

    said = shop.run(
        """
        django.setup()
        from django.core.management import call_command
        call_command("migrate", verbosity=0)
        from shop.models import Book
        from shop.receivers import Index
        said += [Book.objects.count(), Index.seen]
        """,
        "signalkit",
        "shop",
    )

    assert said == [2, []]


WATCH_EARLY = """
    from signalkit import bulk
    from django.apps import AppConfig

    bulk.watch("shop.Book", {more})

    class ShopConfig(AppConfig):
        name = "shop"
"""


def test_a_label_may_be_given_before_the_models_are_loaded(shop: Project) -> None:
    shop.write({"shop/apps.py": WATCH_EARLY.format(more='"shop.author"')})

    said = shop.run(
        """
        django.setup()
        from django.core.management import call_command
        from shop.models import Author, Book
        from signalkit.bulk.state import state
        said.append(state.ids == {id(Author), id(Book)})
        call_command("check", fail_level="WARNING", verbosity=0)
        """,
        "signalkit",
        "shop",
    )

    assert said == [True]


def test_one_that_there_is_not_is_an_error_at_the_start(shop: Project) -> None:
    shop.write({"shop/apps.py": WATCH_EARLY.format(more='"shop.Athor"')})

    (said,) = shop.run(
        """
        django.setup()
        from django.core.management import call_command
        call_command("check")
        """,
        "signalkit",
        "shop",
    )

    assert said.startswith("SystemCheckError")
    assert "signalkit.E007" in said
    assert "There is no model 'shop.athor'. Did you mean 'shop.Author'?" in said
    assert "models.E022" not in said


def test_a_model_that_is_swapped_out_is_one_too(shop: Project) -> None:
    shop.write(
        {
            "shop/apps.py": WATCH_EARLY.format(more='"auth.User"'),
            "people/models.py": """
                from django.contrib.auth.models import AbstractUser

                class Person(AbstractUser):
                    pass
            """,
        }
    )

    (said,) = shop.run(
        """
        django.setup()
        from django.core.management import call_command
        call_command("check")
        """,
        "shop",
        "signalkit",
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "people",
        AUTH_USER_MODEL="people.Person",
    )

    assert "auth.User is swapped out for people.Person" in said


def test_a_plain_receiver_before_the_models_are_loaded(shop: Project) -> None:
    shop.write(
        {
            "shop/apps.py": """
                from django.apps import AppConfig
                from signalkit.bulk import post_update

                def index(rows, **kwargs):
                    index.seen.append(rows)

                index.seen = []
                post_update.connect(index, sender="shop.Book")

                class ShopConfig(AppConfig):
                    name = "shop"
            """
        }
    )

    said = shop.run(
        """
        django.setup()
        from io import StringIO
        from django.core.management import call_command
        from shop.apps import index
        from shop.models import Book
        call_command("migrate", verbosity=0)
        Book.objects.update(title="a")
        said.append(index.seen)
        output = StringIO()
        call_command("signalkit", "list", "--signal", "post_update", stdout=output)
        said.append("shop.apps.index" in output.getvalue() and "shop.Book" in output.getvalue())
        """,
        "signalkit",
        "shop",
    )

    assert said == [[0], True]


def test_without_the_app_the_signals_work_for_plain_receivers(shop: Project) -> None:
    said = shop.run(
        """
        django.setup()
        from django.core.management import call_command
        from signalkit.bulk import post_update
        from shop.models import Book
        call_command("migrate", verbosity=0)
        post_update.connect(lambda rows, **kwargs: said.append(rows), sender=Book, weak=False)
        Book.objects.update(title="a")
        """,
        "shop",
    )

    assert said == [0]


def test_importing_loads_no_models_and_replaces_nothing(shop: Project) -> None:
    said = shop.run(
        """
        import signalkit
        said.append("signalkit.bulk" in sys.modules)
        import signalkit.bulk
        from django.apps import apps
        from django.db.models import QuerySet
        said.append(apps.apps_ready)
        said.append(QuerySet.update.__module__)
        said.append(QuerySet.update.__code__.co_filename.endswith("django/db/models/query.py"))
        """,
        "shop",
    )

    assert said == [False, False, "django.db.models.query", True]
