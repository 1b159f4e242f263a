"""Evaluate annotations that are str, and resolve type aliases. Each annotation is evaluated separately, because other
annotations of the same function may use names that are imported only for type checkers.
"""

import collections.abc
import inspect
import sys
import typing
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Annotated, Any, Final, get_args, get_origin

from twisted.internet.defer import Deferred

from ropewalk.request import Request
from ropewalk.response import Response
from ropewalk.typed.shared_parameters import signature_of_plain

_USUAL: Final[dict[str, Any]] = {
    **{name: getattr(typing, name) for name in typing.__all__},
    **{name: getattr(collections.abc, name) for name in collections.abc.__all__},
    "Deferred": Deferred,
    "Request": Request,
    "Response": Response,
}
"""Names that annotations can use even if they are imported only for type checkers, as linters recommend."""


def evaluated_signature(function: Callable[..., Any]) -> inspect.Signature:
    """The signature of a function with evaluated annotations.

    If an annotation uses a name that is imported only for type checkers, all annotations stay str.
    """
    try:
        plain = signature_of_plain(function)
        if plain is not None:
            return plain
        return inspect.signature(function, eval_str=True)
    except NameError:
        return inspect.signature(function)


def evaluated(annotation: Any, function: Callable[..., Any]) -> Any:
    """Evaluate an annotation that is a str. Return the str itself if one of its names does not exist at run time."""
    if not isinstance(annotation, str):
        return annotation
    names = _names_around(function)
    for known in (names, {**_USUAL, **names}):
        try:
            return eval(annotation, known)
        except NameError:
            continue
    return annotation


def resolved(annotation: Any, function: Callable[..., Any]) -> Any:
    """Evaluate an annotation of a function, including str inside it, as in `list["Room"]`.

    Raises NameError for a name that does not exist at run time.
    """
    names = {**_USUAL, **_names_around(function)}
    holder = SimpleNamespace(__annotations__={"return": annotation})
    return typing.get_type_hints(holder, globalns=names, include_extras=True)["return"]


def without_alias(kind: Any) -> Any:
    """The type for which a type alias stands (PEP 695). Any other type is returned unchanged."""
    while type(kind).__name__ == "TypeAliasType":
        kind = kind.__value__
    return kind


def without_annotated(kind: Any) -> Any:
    """The type inside type aliases and `Annotated`."""
    kind = without_alias(kind)
    while get_origin(kind) is Annotated:
        kind = without_alias(get_args(kind)[0])
    return kind


def _names_around(function: Any) -> dict[str, Any]:
    """The global names of the module in which the user wrote a function, a class or a callable object."""
    while isinstance(function, partial) or hasattr(function, "__wrapped__"):
        function = function.func if isinstance(function, partial) else inspect.unwrap(function)
    if not hasattr(function, "__globals__") and not isinstance(function, type):
        function = inspect.unwrap(type(function).__call__)
    found = getattr(function, "__globals__", None)
    module = sys.modules.get(getattr(function, "__module__", ""))
    names: dict[str, Any] = found if found is not None else vars(module) if module is not None else {}
    return names
