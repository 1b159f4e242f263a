"""Make the summary and the description of an operation from its docstring or its route's options."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from ropewalk.methods import rendered_method
from ropewalk.routing import OperationOptions


def summary_of(function: Callable[..., Any], options: OperationOptions) -> dict[str, str]:
    """A dict with the members `summary` and `description` of an Operation Object. Empty members are left out."""
    first, _, rest = inspect.cleandoc(_written(function).__doc__ or "").partition("\n")
    summary = (first.strip() or _from_name(function)) if options.summary is None else options.summary
    description = rest.strip() if options.description is None else options.description
    return {name: text for name, text in (("summary", summary), ("description", description)) if text}


def name_of(function: Callable[..., Any]) -> str:
    """The name of a function, or of the class of a callable object; empty for a lambda."""
    written = _written(function)
    name = str(getattr(written, "__name__", ""))
    if name == "__call__":
        name = type(_without_partial(function)).__name__
    return name if name.isidentifier() else ""


def _written(function: Callable[..., Any]) -> Any:
    """The function that the user wrote: without any `partial` around it, or the `__call__` of a callable object."""
    function = _without_partial(function)
    return function if hasattr(function, "__name__") else type(function).__call__


def _without_partial(function: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(function, partial):
        function = function.func
    return function


def _from_name(function: Callable[..., Any]) -> str:
    name = name_of(function)
    return "" if rendered_method(name) else name.replace("_", " ").strip().capitalize()
