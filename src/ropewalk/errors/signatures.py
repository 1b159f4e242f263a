"""Checks whether a function of the application can be called with the arguments that it will get."""

import inspect
from typing import Any


def misfit(function: Any, *given: object, **by_name: object) -> str | None:
    """Why a function cannot be called with these arguments, such as "missing a required argument: 'db'".

    None if it can, or if its signature is unknown. For a wrapper, this checks the wrapper's own signature, because the
    wrapper may add arguments.
    """
    try:
        signature = inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):  # some builtins have no signature
        return None
    try:
        signature.bind(*given, **by_name)
    except TypeError as error:
        return str(error)
    return None
