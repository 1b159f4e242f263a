"""Annotations: evaluated one by one, where some name what is imported for type checkers only, and without aliases."""

import inspect
import sys
from collections.abc import Callable
from functools import partial
from typing import Any


def evaluated(annotation: Any, function: Callable[..., Any]) -> Any:
    """An annotation of a function; as it is if it is a text with names that do not exist at run time."""
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, _names_around(function))
    except NameError:
        return annotation


def without_alias(kind: Any) -> Any:
    """What a type alias stands for (PEP 695); any other type as it is."""
    while type(kind).__name__ == "TypeAliasType":
        kind = kind.__value__
    return kind


def _names_around(function: Any) -> dict[str, Any]:
    """The global names where the user wrote a function, a class or a callable object."""
    while isinstance(function, partial) or hasattr(function, "__wrapped__"):
        function = function.func if isinstance(function, partial) else inspect.unwrap(function)
    if not hasattr(function, "__globals__") and not isinstance(function, type):
        function = inspect.unwrap(type(function).__call__)
    found = getattr(function, "__globals__", None)
    module = sys.modules.get(getattr(function, "__module__", ""))
    names: dict[str, Any] = found if found is not None else vars(module) if module is not None else {}
    return names
