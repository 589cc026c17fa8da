"""From ``django.setup()`` to connected receivers, in projects of their own."""

from __future__ import annotations

import pytest

from tests.wiring.project import Project

# Sends one signal by hand, and says who answered.
SEND = """
    django.setup()
    from shop.signals import ordered
    said += [answer for _, answer in ordered.send(sender=None)]
"""

SHOP = {
    "shop/signals.py": """
        from django.dispatch import Signal
        ordered = Signal()
    """,
    "shop/receivers.py": """
        import signalkit
        from shop.signals import ordered

        @signalkit.receiver(ordered, order=1)
        def f(**kwargs):
            return "function"

        class Klass(signalkit.Receiver):
            signal = ordered
            def handle(self, event):
                return "class"
    """,
}

IMPORTS_ITSELF = """
    from django.apps import AppConfig

    class ShopConfig(AppConfig):
        name = "shop"
        def ready(self):
            from . import receivers
"""

BOTH = ["class", "function"]


@pytest.fixture
def shop(project: Project) -> Project:
    """Return a project with one app, one signal and two receivers."""
    project.write(SHOP)
    return project


@pytest.mark.parametrize("apps", [("signalkit", "shop"), ("shop", "signalkit")])
def test_discovered(shop: Project, apps: tuple[str, ...]) -> None:
    assert shop.run(SEND, *apps) == BOTH


@pytest.mark.parametrize("apps", [("signalkit", "shop"), ("shop", "signalkit")])
@pytest.mark.parametrize("options", [None, {"AUTODISCOVER": None}])
def test_an_app_that_imports_its_receivers_itself(
    shop: Project, apps: tuple[str, ...], options: object
) -> None:
    """Before signalkit's own turn or after it: connected, and once."""
    shop.write({"shop/apps.py": IMPORTS_ITSELF})
    assert shop.run(SEND, *apps, options=options) == BOTH  # type: ignore[arg-type]  # None or a dict


def test_the_kill_switch(shop: Project) -> None:
    shop.write(
        {
            "shop/receivers.py": SHOP["shop/receivers.py"]
            + """
        @signalkit.receiver(ordered)
        def plain(**kwargs):
            return "plain"
    """
        }
    )
    assert shop.run(SEND, "signalkit", "shop", options={"ENABLED": False}) == [
        "plain",
        None,
        None,
    ]


def test_disabled_in_settings(shop: Project) -> None:
    said = shop.run(SEND, "signalkit", "shop", options={"DISABLED": ["shop.Klass"]})
    assert said == [None, "function"]


def test_wrong_settings_stop_the_start(shop: Project) -> None:
    (said,) = shop.run(SEND, "signalkit", "shop", options={"ENABLD": False})
    assert said.startswith("ConfigurationError: SIGNALKIT has no key 'ENABLD'.")


MODELS = """
    import signalkit
    from django.conf import settings
    from django.db import models
    from django.db.models.signals import post_save

    class Book(models.Model):
        title = models.CharField(max_length=9)

    @signalkit.receiver(post_save, sender="shop.Author", order=1)
    def by_a_name_to_come(**kwargs):
        return "author"

    @signalkit.receiver(post_save, sender=Book, changed=["title"])
    def by_class(**kwargs):
        return "book"

    class Author(models.Model):
        pass
"""


class TestDeclaredEarly:
    """Before the models are there, or even the apps."""

    def test_in_models(self, project: Project) -> None:
        project.write({"shop/models.py": MODELS})
        assert project.run(
            """
            django.setup()
            from django.db import connection
            from shop.models import *
            with connection.schema_editor() as editor:
                editor.create_model(Book)
                editor.create_model(Author)
            heard = []
            Author.objects.create()
            book = Book.objects.create(title="a")
            from django.db.models.signals import post_save
            said += [name for _, name in post_save.send(Author, instance=book, created=True)]
            """,
            "shop",
            "signalkit",
        ) == ["author"]

    @pytest.mark.parametrize(
        ("sender", "message"),
        [
            ("'shop.Boook'", "There is no model 'shop.Boook'. Did you mean 'shop.Book'?"),
            ("Base", "Base is abstract and never sends post_save."),
            ("Book, changed=['titel']", "changed names 'titel', which shop.Book has not."),
        ],
    )
    def test_what_is_wrong_is_refused_at_the_start(
        self, project: Project, sender: str, message: str
    ) -> None:
        project.write(
            {
                "shop/models.py": f"""
                import signalkit
                from django.db import models
                from django.db.models.signals import post_save

                class Base(models.Model):
                    class Meta:
                        abstract = True

                class Book(Base):
                    title = models.CharField(max_length=9)

                @signalkit.receiver(post_save, order=1, sender={sender})
                def f(**kwargs): pass
            """
            }
        )
        (said,) = project.run("django.setup()", "shop", "signalkit")
        assert "shop.models.f (" in said
        assert "models.py:" in said
        assert message in said

    @pytest.mark.parametrize("sender", ["'shop.Boook', order=1", "Book, changed=['titel']"])
    def test_what_is_refused_at_the_start_names_the_file(
        self, project: Project, sender: str
    ) -> None:
        project.write({"shop/models.py": MODELS.replace('Book, changed=["title"]', sender)})
        said = project.run(
            """
            from signalkit.exceptions import DeclarationError
            try:
                django.setup()
            except DeclarationError as error:
                said.append(error.filename)
            """,
            "shop",
            "signalkit",
        )
        assert said == [str(project.root / "shop/models.py")]

    def test_a_name_is_needed_before_the_apps_are_known(self, project: Project) -> None:
        project.write(
            {
                "shop/__init__.py": """
                import signalkit
                from django.core.signals import request_started

                @signalkit.receiver(request_started, order=1)
                def f(**kwargs): pass
            """
            }
        )
        (said,) = project.run("django.setup()", "shop", "signalkit")
        assert said.startswith("DeclarationError: shop.f (")
        assert "Give it one (name='app_label.f'), or move it to receivers.py." in said

    def test_with_a_name_it_is_connected(self, project: Project) -> None:
        project.write(
            {
                "shop/signals.py": SHOP["shop/signals.py"],
                "shop/__init__.py": """
                import signalkit
                from shop.signals import ordered

                @signalkit.receiver(ordered, name="shop.f")
                def f(**kwargs):
                    return "f"

                class K(signalkit.Receiver):
                    signal = ordered
                    name = "shop.K"
                    def handle(self, event):
                        return "K"
            """,
            }
        )
        assert project.run(SEND, "shop", "signalkit") == ["f", "K"]

    def test_class_prepared_of_models_that_load_afterwards(self, project: Project) -> None:
        project.write(
            {
                "shop/heard.py": "heard = []",
                "shop/__init__.py": """
                import signalkit
                from django.db.models.signals import class_prepared
                from shop.heard import heard

                @signalkit.receiver(class_prepared, sender="shop.Book", name="shop.one")
                def one(sender, **kwargs):
                    heard.append(sender.__name__)

                @signalkit.receiver(class_prepared, name="shop.all")
                def every(sender, **kwargs):
                    heard.append("any " + sender.__name__)
            """,
                "shop/models.py": """
                from django.db import models
                class Book(models.Model): pass
                class Other(models.Model): pass
            """,
            }
        )
        assert project.run(
            "django.setup()\nfrom shop.heard import heard\nsaid += heard", "shop", "signalkit"
        ) == ["Book", "any Book", "any Other"]

    def test_class_prepared_of_an_app_that_is_not_there(self, project: Project) -> None:
        project.write(
            {
                "shop/__init__.py": """
                import signalkit
                from django.db.models.signals import class_prepared

                @signalkit.receiver(class_prepared, sender="shp.Book", name="shop.one")
                def one(**kwargs): pass
            """
            }
        )
        (said,) = project.run("django.setup()", "shop", "signalkit")
        assert "No installed app has the label 'shp'. Did you mean 'shop'?" in said


class TestACycle:
    def test_stops_the_start_and_connects_nothing(self, shop: Project) -> None:
        shop.write(
            {
                "shop/receivers.py": """
                import signalkit
                from shop.signals import ordered

                def f(**kwargs): pass
                for one, other in ("ab", "bc", "ca"):
                    signalkit.receiver(ordered, name=one, after=other)(f if one == "a" else
                        lambda **kwargs: None)
            """
            }
        )
        said = shop.run(
            """
            from shop.signals import ordered
            try:
                django.setup()
            finally:
                said.append(len([entry for entry in ordered.receivers
                                 if hasattr(entry[1], "signalkit_declaration")]))
            """,
            "signalkit",
            "shop",
        )
        connected, message = said
        assert connected == 0
        assert message == (
            "OrderError: These receivers are each to run after the next: "
            "a after b after c after a. Drop one of the after=."
        )


class TestNotInstalled:
    """A receiver that nobody will connect is refused as early as that can be known."""

    def test_declared_once_the_apps_are_known(self, shop: Project) -> None:
        shop.write({"shop/apps.py": IMPORTS_ITSELF})
        (said,) = shop.run("django.setup()", "shop")
        assert said.startswith("NotInstalled: Receivers are declared with signalkit, but it is not")
        assert "shop.f (shop.receivers.f (" in said
        assert "Add 'signalkit' to INSTALLED_APPS." in said

    def test_declared_in_models(self, project: Project) -> None:
        project.write({"shop/models.py": MODELS})
        (said,) = project.run("django.setup()", "shop")
        assert said.startswith("NotInstalled:")

    EARLY = {
        "shop/signals.py": SHOP["shop/signals.py"],
        "shop/__init__.py": """
            import signalkit
            from shop.signals import ordered

            @signalkit.receiver(ordered, name="shop.early")
            def f(**kwargs): pass
        """,
    }

    def test_declared_earlier_the_next_model_says_so(self, project: Project) -> None:
        project.write(self.EARLY)
        (said,) = project.run("django.setup()", "shop", "django.contrib.contenttypes")
        assert said.startswith("NotInstalled:")
        assert "shop.early (shop.f (" in said

    def test_without_any_model_the_first_send_says_so(self, project: Project) -> None:
        project.write(self.EARLY)
        said = project.run(
            "django.setup()\nsaid.append('set up')\nfrom shop.signals import ordered\n"
            "ordered.send(None)",
            "shop",
        )
        assert said[0] == "set up"
        assert said[1].startswith("NotInstalled:")

    def test_sent_without_any_setup(self, project: Project) -> None:
        project.write(self.EARLY)
        (said,) = project.run("import shop\nshop.ordered.send(None)", "shop")
        assert said.startswith("NotInstalled: A signal was sent before django.setup()")
        assert "shop.early" in said

    def test_sent_while_the_apps_load_is_simply_too_early(self, project: Project) -> None:
        project.write(self.EARLY)
        project.write({"blog/__init__.py": "from shop.signals import ordered\nordered.send(None)"})
        said = project.run(
            "django.setup()\nfrom shop.signals import ordered\n"
            "said.append(len(ordered.send(None)))",
            "shop",
            "blog",
            "signalkit",
        )
        assert said == [1]

    def test_a_config_that_forgets_its_parent(self, shop: Project) -> None:
        shop.write(
            {
                "config.py": """
                from signalkit.apps import SignalkitConfig

                class Mine(SignalkitConfig):
                    def ready(self): pass
            """,
            }
        )
        said = shop.run(
            "django.setup()\nsaid.append('set up')\nimport shop.receivers", "config.Mine", "shop"
        )
        assert said[0] == "set up"
        assert "its ready() was never called" in said[1]
        assert "super().ready()" in said[1]

    def test_without_any_receiver_nobody_complains(self, project: Project) -> None:
        assert project.run("import signalkit\ndjango.setup()\nsaid.append('fine')") == ["fine"]

    def test_plain_ones_are_djangos_affair(self, shop: Project) -> None:
        shop.write(
            {
                "shop/receivers.py": """
                import signalkit
                from shop.signals import ordered

                @signalkit.receiver(ordered)
                def f(**kwargs):
                    return "plain"
            """,
                "shop/apps.py": IMPORTS_ITSELF,
            }
        )
        assert shop.run(SEND, "shop") == ["plain"]


class TestTheSameSource:
    def test_under_two_names(self, project: Project) -> None:
        project.write(SHOP)
        said = project.run(
            f"""
            django.setup()
            import shop.receivers
            sys.path.insert(0, {str(project.root / "shop")!r})
            import receivers
            """,
            "signalkit",
            "shop",
        )
        (message,) = said
        assert message.startswith("NameClash:")
        assert (
            "is imported as shop.receivers and as receivers, so shop.f would run twice" in message
        )

    def test_under_two_names_through_a_symbolic_link(self, project: Project) -> None:
        project.write(SHOP)
        (project.root / "mirror").symlink_to(project.root / "shop")
        said = project.run("django.setup()\nimport mirror.receivers", "signalkit", "shop")
        assert "is imported as shop.receivers and as mirror.receivers" in said[0]

    def test_reloaded_it_is_connected_once(self, shop: Project) -> None:
        assert shop.run(
            SEND + "\n    import importlib, shop.receivers"
            "\n    importlib.reload(shop.receivers)"
            "\n    said += [answer for _, answer in ordered.send(sender=None)]",
            "signalkit",
            "shop",
        ) == [*BOTH, *BOTH]

    def test_edited_and_reloaded_its_receivers_are_those_that_it_has_now(
        self, shop: Project
    ) -> None:
        edited = """
            import signalkit
            from shop.signals import ordered

            # Other lines now, another name, and one receiver less.
            @signalkit.receiver(ordered, order=1, aliases=["shop.Klass"])
            def f(**kwargs):
                return "edited"
        """
        assert shop.run(
            SEND
            + f"""
    import importlib, shop.receivers, textwrap
    with open(shop.receivers.__file__, "w") as file:
        file.write(textwrap.dedent({edited!r}))
    importlib.invalidate_caches()
    importlib.reload(shop.receivers)
    said += [answer for _, answer in ordered.send(sender=None)]
            """,
            "signalkit",
            "shop",
        ) == [*BOTH, "edited"]

    def test_a_reload_that_fails_changes_nothing(self, shop: Project) -> None:
        edited = """
            import signalkit
            from shop.signals import ordered

            @signalkit.receiver(ordered, phase="wrong")
            def f(**kwargs): pass
        """
        said = shop.run(
            SEND
            + f"""
    import importlib, shop.receivers, textwrap
    with open(shop.receivers.__file__, "w") as file:
        file.write(textwrap.dedent({edited!r}))
    importlib.invalidate_caches()
    try:
        importlib.reload(shop.receivers)
    except Exception as error:
        said.append(type(error).__name__)
    said += [answer for _, answer in ordered.send(sender=None)]
            """,
            "signalkit",
            "shop",
        )
        assert said == [*BOTH, "DeclarationError", *BOTH]

    def test_typed_again_in_a_shell(self, shop: Project) -> None:
        assert shop.run(
            SEND
            + """
    import code
    shell = code.InteractiveInterpreter({"__name__": "__console__"})
    typed = '''
    @signalkit.receiver(ordered, order=5)
    def typed(**kwargs):
        return "{}"
    '''
    import textwrap
    shell.runsource("import signalkit; from shop.signals import ordered", symbol="exec")
    for word in ("first", "second"):
        shell.runsource(textwrap.dedent(typed).format(word), symbol="exec")
    said += [answer for _, answer in ordered.send(sender=None)]
            """,
            "signalkit",
            "shop",
        ) == [*BOTH, *BOTH, "second"]


SWAPPED = {
    "people/models.py": """
        from django.contrib.auth.models import AbstractUser

        class Person(AbstractUser):
            pass
    """,
}
USERS = ("django.contrib.auth", "django.contrib.contenttypes", "people", "shop", "signalkit")


class TestASwappedUser:
    def test_the_setting_names_the_one_in_use(self, project: Project) -> None:
        project.write(
            {
                **SWAPPED,
                "shop/receivers.py": """
                import signalkit
                from django.conf import settings
                from django.contrib.auth.signals import user_logged_in
                from django.db.models.signals import post_init

                both = [post_init, user_logged_in]

                @signalkit.receiver(both, sender=settings.AUTH_USER_MODEL, order=1)
                def f(sender, **kwargs):
                    return sender.__name__
            """,
            }
        )
        assert project.run(
            """
            django.setup()
            from django.contrib.auth import get_user_model
            from django.contrib.auth.signals import user_logged_in
            from django.db.models.signals import post_init
            for signal in (post_init, user_logged_in):
                said += [answer for receiver, answer in signal.send_robust(get_user_model())
                         if receiver.__name__ == "f"]
            """,
            *USERS,
            AUTH_USER_MODEL="people.Person",
        ) == ["Person", "Person"]

    @pytest.mark.parametrize("sender", ["'auth.User'", "User", "[User]"])
    def test_the_one_swapped_out_is_refused(self, project: Project, sender: str) -> None:
        project.write(
            {
                **SWAPPED,
                "shop/receivers.py": f"""
                import signalkit
                from django.contrib.auth.models import User
                from django.db.models.signals import post_save

                @signalkit.receiver(post_save, sender={sender}, order=1)
                def f(**kwargs): pass
            """,
            }
        )
        (said,) = project.run("django.setup()", *USERS, AUTH_USER_MODEL="people.Person")
        assert (
            "auth.User is swapped out for people.Person and never sends post_save. "
            "Use settings.AUTH_USER_MODEL." in said
        )

    def test_subclasses_of_the_abstract_user(self, project: Project) -> None:
        project.write(
            {
                **SWAPPED,
                "shop/receivers.py": """
                import signalkit
                from django.contrib.auth.models import AbstractUser
                from django.db.models.signals import post_save

                @signalkit.receiver(post_save, sender=AbstractUser, include_subclasses=True)
                def f(**kwargs): pass
            """,
            }
        )
        assert project.run(
            """
            django.setup()
            from signalkit.dispatch import connector
            said += [model.__name__ for each in connector.connections() for model in each.senders]
            """,
            *USERS,
            AUTH_USER_MODEL="people.Person",
        ) == ["Person"]
