"""What a value has to be, read from an annotation.

What type checkers let through is never refused. Of generics the outer kind alone is looked at: of a
``list[int]`` that it is a list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    ForwardRef,
    Literal,
    LiteralString,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

from django.utils.functional import LazyObject, empty

from signalkit.typed.for_checkers import UNCHECKED
from signalkit.typed.names import Names, Unresolvable

Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value has to be."""

    classes: tuple[type, ...] = ()
    """Of one of these,"""

    tests: tuple[Test, ...] = ()
    """or something for which one of these holds."""

    @property
    def is_anything(self) -> bool:
        """Whether there is nothing to check."""
        return object in self.classes

    def includes(self, value: Any) -> bool:
        """Say whether a value is of this kind, without waking one that is lazy.

        A lazy object that nobody has looked at yet, such as ``request.user``, is believed: to look
        at it may take a query, which a coroutine may not make.
        """
        # type(), because isinstance() asks a lazy object for its class, and so wakes it.
        if issubclass(type(value), self.classes):
            return True
        if issubclass(type(value), LazyObject):
            wrapped = object.__getattribute__(value, "_wrapped")
            return wrapped is empty or self.includes(wrapped)
        return isinstance(value, self.classes) or any(test(value) for test in self.tests)


_ANYTHING = Kind((object,))

# As type checkers have it: what is less than what is asked for will do.
_LESS: dict[Any, tuple[type, ...]] = {float: (float, int), complex: (complex, float, int)}


def kind_of(annotation: Any, names: Names) -> Kind:
    """Read an annotation.

    Args:
        annotation: an object, or a text that is one when it is evaluated.
        names: what the names in it stand for.

    Raises:
        NotYet: it has names that may come to be known.
        Unresolvable: nothing can be checked against it.
    """
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        return kind_of(names.evaluate(annotation), names)
    if annotation is Any or annotation is UNCHECKED:
        return _ANYTHING
    if annotation is None:
        return Kind((NoneType,))
    if annotation is LiteralString:
        return Kind((str,))
    if isinstance(annotation, TypeVar) and annotation.__constraints__:
        return _any_of([kind_of(each, names) for each in annotation.__constraints__])
    meant = _meant_by_another_name(annotation)
    if meant is not annotation:
        return kind_of(meant, names)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Union or origin is UnionType:
        return _any_of([kind_of(each, names) for each in arguments])
    if origin is Literal:
        return Kind(tests=(_one_of(arguments),))
    if origin is not None:
        return kind_of(origin, names)
    if isinstance(annotation, type):
        return _of_class(annotation)
    raise Unresolvable("is nothing that a value can be checked against; expected a type")


def _meant_by_another_name(annotation: Any) -> Any:
    """Return what an annotation is only another name for, or says more about; or itself."""
    if get_origin(annotation) in (Annotated, Final):
        return get_args(annotation)[0]
    if isinstance(annotation, TypeVar):
        return Any if annotation.__bound__ is None else annotation.__bound__
    # By their attributes: typing_extensions has some of these for Pythons that lack them.
    if not isinstance(annotation, type):
        for attribute in (
            "__supertype__",
            "__value__",
        ):  # NewType, and the statement `type X = ...`
            if hasattr(annotation, attribute):
                return getattr(annotation, attribute)
    return annotation


def _any_of(kinds: list[Kind]) -> Kind:
    return Kind(
        tuple(dict.fromkeys(cls for kind in kinds for cls in kind.classes)),
        tuple(test for kind in kinds for test in kind.tests),
    )


def _one_of(values: tuple[Any, ...]) -> Test:
    # True is not the literal 1, though they are equal.
    return lambda value: any(type(value) is type(each) and value == each for each in values)


def _of_class(cls: type) -> Kind:
    if cls in _LESS:
        return Kind(_LESS[cls])
    try:
        isinstance(None, cls)
    except TypeError:
        # A TypedDict is a dict, when the program runs; a protocol that is not made for
        # isinstance() is for type checkers alone.
        return Kind((dict,)) if issubclass(cls, dict) else _ANYTHING
    if getattr(cls, "_is_protocol", False):
        # issubclass() refuses those that have more than methods.
        return Kind(tests=(lambda value: isinstance(value, cls),))
    return Kind((cls,))
