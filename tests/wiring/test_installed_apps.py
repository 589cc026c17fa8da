"""INSTALLED_APPS overridden, as tests do: apps come, go, and have other AppConfig objects."""

from __future__ import annotations

import pytest

from tests.wiring.project import Project

SHOP = {
    "shop/models.py": """
        from django.db import models

        class Book(models.Model):
            title = models.CharField(max_length=9)
    """,
    "shop/signals.py": """
        from django.dispatch import Signal
        ordered = Signal()
    """,
}

# A model of an app that is imported for the first time when a test adds the app.
ANNEX = {
    "annex/models.py": """
        import signalkit
        from django.db import models
        from django.db.models.signals import class_prepared, post_save
        from shop.models import Book
        from shop.signals import ordered

        @signalkit.receiver(class_prepared, sender="annex.Reprint", order=1)
        def prepared(sender, **kwargs):
            ordered.send("prepared " + sender.__name__)

        class Annexed(Book):
            class Meta:
                proxy = True

        @signalkit.receiver(post_save, sender="annex.Reprint", order=-1)
        def declared_on_the_way(sender, **kwargs):
            return "annex: " + sender.__name__

        class Reprint(Book):
            class Meta:
                proxy = True
    """,
}

HELP = """
    from django.test.utils import modify_settings, override_settings
    django.setup()
    from django.apps import apps
    from django.db.models.signals import post_migrate, post_save
    from shop.models import Book
    from shop.signals import ordered

    def saved(model):
        said.append([answer for _, answer in post_save.send(model, instance=None, raw=False)])

    def migrated(label):
        # Nobody else's are asked.
        sender = apps.get_app_config(label)
        said.append([receiver(signal=post_migrate, sender=sender)
                     for receiver in post_migrate._live_receivers(sender)[0]
                     if hasattr(receiver, "signalkit_declaration")])
"""


@pytest.fixture
def shop(project: Project) -> Project:
    """Return a project with one model and one signal."""
    project.write(SHOP)
    return project


class TestAnAppComes:
    """Its models are defined while Django does not answer for its models."""

    @pytest.mark.parametrize("sender", ["'shop.Book'", "Book"])
    def test_its_models_are_covered(self, shop: Project, sender: str) -> None:
        shop.write(ANNEX)
        shop.write(
            {
                "shop/receivers.py": f"""
                import signalkit
                from django.db.models.signals import post_save
                from shop.models import Book

                @signalkit.receiver(
                    post_save, sender={sender}, include_subclasses=True, changed=["title"]
                )
                def watches(sender, **kwargs): pass

                @signalkit.receiver(post_save, sender={sender}, include_subclasses=True)
                def covers(sender, **kwargs):
                    return "shop: " + sender.__name__
            """
            }
        )
        assert shop.run(
            HELP
            + """
    with modify_settings(INSTALLED_APPS={"append": "annex"}):
        from annex.models import Annexed, Reprint
        watched = [each for each in post_save._live_receivers(Annexed)[0]
                   if each.__name__ == "watches"]
        said.append(len(watched))
    from signalkit.registry import registry
    registry.remove(registry.get("shop.watches"))
    for model in (Book, Annexed, Reprint):
        saved(model)
            """,
            "signalkit",
            "shop",
        ) == [1, ["shop: Book"], ["shop: Annexed"], ["annex: Reprint", "shop: Reprint"]]

    @pytest.mark.parametrize("installed", [("signalkit", "shop", "annex"), ("shop", "annex")])
    def test_its_receivers_are_connected(self, shop: Project, installed: tuple[str, ...]) -> None:
        shop.write(ANNEX)
        assert shop.run(
            HELP
            + f"""
    import signalkit
    @signalkit.receiver(ordered, order=1)
    def hears(sender, **kwargs):
        said.append(sender)
    with override_settings(INSTALLED_APPS={installed!r}):
        from annex.models import Reprint
        saved(Reprint)
    saved(Reprint)
            """,
            "signalkit",
            "shop",
        ) == ["prepared Reprint", ["annex: Reprint"], ["annex: Reprint"]]

    def test_what_is_wrong_there_is_refused(self, shop: Project) -> None:
        shop.write(
            {
                "annex/models.py": """
                import signalkit
                from django.db.models.signals import post_save

                @signalkit.receiver(post_save, sender="annex.Reprnt", order=1)
                def f(**kwargs): pass
            """
            }
        )
        (said,) = shop.run(
            HELP + '\n    modify_settings(INSTALLED_APPS={"append": "annex"}).enable()',
            "signalkit",
            "shop",
        )
        assert said.startswith("SenderError: annex.models.f (")


class TestAnAppGoes:
    """Its receivers stay as they are: whether they name what exists was asked at the start."""

    RECEIVERS = """
        import signalkit
        from django.db.models.signals import post_migrate, post_save
        from shop.signals import ordered

        @signalkit.receiver(post_save, sender="shop.Book", changed=["title"])
        def changed(**kwargs): pass

        @signalkit.receiver(post_save, sender="shop.Book", order=1)
        def f(**kwargs):
            return "f"

        class Replaced(signalkit.ModelReceiver):
            signal = post_save
            sender = "shop.Book"
            order = 2
            reentry = "allow"
            def handle(self, event):
                return "replaced"

        class Replacing(Replaced, replaces="library.Replaced"):
            def handle(self, event):
                return "replacing"

        @signalkit.receiver(ordered, sender="shop.Book")
        def plain(**kwargs): pass

        @signalkit.receiver(ordered, sender=["shop.Book"])
        def custom(**kwargs):
            return "custom"

        @signalkit.receiver(post_migrate, sender="shop", order=1)
        def migrated(**kwargs):
            return "migrated"
    """

    @pytest.mark.parametrize("kept", [("signalkit",), ("signalkit", "library"), ("library",)])
    def test_its_receivers_stay(self, shop: Project, kept: tuple[str, ...]) -> None:
        shop.write({"library/receivers.py": self.RECEIVERS})
        assert shop.run(
            HELP
            + f"""
    from signalkit.registry import registry
    registry.remove(registry.get("library.changed"))
    def all_of_it():
        saved(Book)
        said.append([answer for _, answer in ordered.send(Book)])
    with override_settings(INSTALLED_APPS={kept!r}):
        all_of_it()
        registry.remove(registry.get("library.Replacing"))
        saved(Book)
    all_of_it()
    migrated("shop")
            """,
            "signalkit",
            "shop",
            "library",
        ) == [
            ["f", "replacing"],
            ["custom"],
            ["f", "replaced"],
            ["f", "replaced"],
            ["custom"],
            ["migrated"],
        ]

    APPS = {"AUTODISCOVER": {"APPS": ["library", "shop"]}}

    @pytest.mark.parametrize("kept", [("signalkit",), ("signalkit", "library"), ("library",)])
    def test_autodiscovery_may_name_it(self, shop: Project, kept: tuple[str, ...]) -> None:
        shop.write({"library/receivers.py": self.RECEIVERS})
        assert (
            shop.run(
                HELP
                + f"""
    from signalkit.registry import registry
    registry.remove(registry.get("library.changed"))
    with override_settings(INSTALLED_APPS={kept!r}):
        saved(Book)
        with override_settings(INSTALLED_APPS={kept!r}):
            saved(Book)
    saved(Book)
            """,
                "signalkit",
                "shop",
                "library",
                options=self.APPS,
            )
            == [["f", "replacing"]] * 3
        )

    @pytest.mark.parametrize("installed", [("signalkit", "shop"), ("shop", "signalkit")])
    def test_a_first_start_without_one_that_autodiscovery_names_is_refused(
        self, shop: Project, installed: tuple[str, ...]
    ) -> None:
        (said,) = shop.run("django.setup()", *installed, options=self.APPS)
        assert said.startswith("ConfigurationError: ")
        assert "names 'library', which is not in INSTALLED_APPS." in said

    def test_a_name_that_was_never_right_is_refused(self, shop: Project) -> None:
        (said,) = shop.run(
            HELP
            + """
    override_settings(SIGNALKIT={"AUTODISCOVER": {"APPS": ["shp"]}}).enable()
    override_settings(INSTALLED_APPS=["signalkit"]).enable()
            """,
            "signalkit",
            "shop",
        )
        assert "names 'shp', which is not in INSTALLED_APPS." in said

    def test_a_first_start_without_it_is_refused(self, project: Project) -> None:
        project.write({**SHOP, "library/receivers.py": self.RECEIVERS})
        (said,) = project.run("django.setup()", "signalkit", "library")
        assert "There is no model 'shop.Book'." in said
        assert "receivers.py:" in said

    def test_what_is_declared_meanwhile_is_refused(self, shop: Project) -> None:
        (said,) = shop.run(
            HELP
            + """
    import signalkit
    with modify_settings(INSTALLED_APPS={"remove": "shop"}):
        signalkit.receiver(post_save, sender="shop.Book", order=1)(lambda **kwargs: None)
            """,
            "signalkit",
            "shop",
        )
        assert "There is no model 'shop.Book'." in said


class TestMigrationsOfAnApp:
    """Django compares AppConfig objects by identity, and makes new ones."""

    RECEIVERS = """
        import signalkit
        from django.apps import apps
        from django.db.models.signals import post_migrate

        @signalkit.receiver(post_migrate, sender={sender}, order=1)
        def second(sender, **kwargs):
            return sender.label

        @signalkit.receiver(post_migrate, order=0)
        def first(**kwargs):
            return "first"
    """

    @pytest.mark.parametrize(
        "sender", ["'shop'", "apps.get_app_config('shop')", "['shop', apps.get_app_config('shop')]"]
    )
    @pytest.mark.parametrize("installed", [("signalkit", "shop"), ("shop",)])
    def test_inside_and_afterwards(
        self, shop: Project, sender: str, installed: tuple[str, ...]
    ) -> None:
        shop.write({"shop/receivers.py": self.RECEIVERS.format(sender=sender)})
        assert (
            shop.run(
                HELP
                + f"""
    migrated("shop")
    with override_settings(INSTALLED_APPS={installed!r}):
        migrated("shop")
        with override_settings(INSTALLED_APPS={installed!r}):
            migrated("shop")
        migrated("shop")
    migrated("shop")
            """,
                "signalkit",
                "shop",
            )
            == [["first", "shop"]] * 5
        )

    def test_declared_inside_it_is_heard_afterwards(self, shop: Project) -> None:
        assert shop.run(
            HELP
            + """
    import signalkit
    with modify_settings(INSTALLED_APPS={"append": "django.contrib.contenttypes"}):
        @signalkit.receiver(post_migrate, sender="shop", order=1)
        def f(sender, **kwargs):
            return sender.label
        migrated("shop")
    migrated("shop")
    with modify_settings(INSTALLED_APPS={"append": "django.contrib.contenttypes"}):
        migrated("shop")
        migrated("contenttypes")
            """,
            "signalkit",
            "shop",
        ) == [["shop"], ["shop"], ["shop"], []]

    def test_after_an_override_that_failed(self, shop: Project) -> None:
        shop.write(
            {
                "shop/receivers.py": self.RECEIVERS.format(sender="'shop'"),
                "wrong/apps.py": """
                from django.apps import AppConfig

                class WrongConfig(AppConfig):
                    name = "wrong"
                    def ready(self):
                        raise RuntimeError
            """,
            }
        )
        assert shop.run(
            HELP
            + """
    try:
        modify_settings(INSTALLED_APPS={"append": "wrong"}).enable()
    except RuntimeError:
        migrated("shop")
            """,
            "signalkit",
            "shop",
        ) == [["first", "shop"]]

    def test_nothing_is_kept_of_former_ones(self, shop: Project) -> None:
        shop.write({"shop/receivers.py": self.RECEIVERS.format(sender="'shop'")})
        assert shop.run(
            HELP
            + """
    for turn in range(3):
        with override_settings(INSTALLED_APPS=["signalkit", "shop"]):
            pass
    said.append(len([entry for entry in post_migrate.receivers
                     if hasattr(entry[1], "signalkit_declaration")]))
            """,
            "signalkit",
            "shop",
        ) == [2]

    def test_a_signal_of_ones_own(self, shop: Project) -> None:
        assert shop.run(
            HELP
            + """
    import signalkit
    from django.apps import AppConfig
    import shop
    foreign = AppConfig("shop", shop)
    for name, sender in (("a", "word"), ("b", apps.get_app_config("shop")), ("c", foreign)):
        signalkit.receiver(ordered, sender=sender, name=name)(lambda name=name, **kwargs: name)
    config = apps.get_app_config("shop")
    signalkit.receiver(ordered, sender=["word", config], name="d")(lambda **kwargs: "d")
    def tell(sender):
        said.append([answer for _, answer in ordered.send(sender) if answer])
    with override_settings(INSTALLED_APPS=["signalkit", "shop"]):
        tell(apps.get_app_config("shop"))
        tell(foreign)
        tell(apps.get_app_config("signalkit"))
    tell(apps.get_app_config("shop"))
            """,
            "signalkit",
            "shop",
        ) == [["b", "d"], ["c"], [], ["b", "d"]]
