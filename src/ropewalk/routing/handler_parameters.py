"""Check the parameters of a handler against the parameters of its path."""

import inspect
from collections.abc import Callable
from typing import Any

from ropewalk.errors import HandlerError, named
from ropewalk.routing.patterns import listed


def annotations(signature: inspect.Signature) -> dict[str, Any]:
    return {name: parameter.annotation for name, parameter in signature.parameters.items()}


def takes_parameters(function: Callable[..., Any], signature: inspect.Signature, names: list[str], path: str) -> bool:
    """Whether the handler takes the path parameters as keyword arguments.

    Raises HandlerError (RW202) if it takes only some.
    """
    parameters = list(signature.parameters.values())
    others = parameters[1:]
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    takes_first = (*positional, inspect.Parameter.VAR_POSITIONAL)
    if not parameters or parameters[0].kind not in takes_first or parameters[0].name in names:
        raise HandlerError("RW202", f"{named(function)} does not take the request as its first parameter.")
    if any(other.kind is inspect.Parameter.VAR_KEYWORD for other in others):
        return bool(names)
    keywords = {other.name for other in others if other.kind not in (positional[0], inspect.Parameter.VAR_POSITIONAL)}
    needed = {other.name for other in others if other.default is inspect.Parameter.empty and other.name in keywords}
    if needed - set(names):
        raise HandlerError(
            "RW202", f"{named(function)} needs {listed(needed - set(names))}, which {path} does not have."
        )
    taken = keywords & set(names)
    if taken and taken != set(names):
        raise HandlerError("RW202", f"{named(function)} does not take {listed(set(names) - taken)} of {path}.")
    return bool(taken)


def keywords(signature: inspect.Signature) -> frozenset[str] | None:
    """The keyword arguments that a handler takes besides the request; None if it takes any."""
    parameters = list(signature.parameters.values())
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return None
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return frozenset(parameter.name for parameter in parameters[1:] if parameter.kind in kinds)
