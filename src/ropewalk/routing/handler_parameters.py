"""Check the parameters of a handler against the parameters of its path."""

import inspect
from collections.abc import Callable, Collection
from types import FunctionType
from typing import Any, Final

from ropewalk.errors import HandlerError, named
from ropewalk.routing.patterns import listed

_KEYWORDS: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_TAKES_FIRST: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
)


def check_no_method(function: Callable[..., Any], signature: inspect.Signature) -> None:
    """Raises HandlerError (RW202) for a function in the body of a class, because the request would be passed as its
    `self`."""
    if not isinstance(function, FunctionType) or next(iter(signature.parameters), "") != "self":
        return
    around = function.__qualname__.split(".")[:-1]
    if around and around[-1] != "<locals>":
        what = f"{named(function)} is a method, and its self would be the request."
        remedy = (
            f"Write `class {around[-1]}(Routes)`, decorate it with ropewalk.routing.get or route, and mount an object."
        )
        raise HandlerError("RW202", what, remedy)


def check_all_taken(
    function: Callable[..., Any], signature: inspect.Signature, plan: Any, names: Collection[str]
) -> None:
    """Raises HandlerError (RW202) for a typed handler that does not take a path parameter, but has a required parameter
    with another name and no marker. That parameter would be read from the query, so every request without it would get
    a 422. No error is raised if other code may read the path parameter from `request.params`.
    """
    untaken = set(names).difference([each.name for each in plan.inputs if each.source == "path"])
    if not untaken:
        return
    own = signature.parameters
    unmarked = [each.name for each in plan.inputs if each.is_unmarked and each.required and each.parameter in own]
    if not unmarked or any(each.kind is inspect.Parameter.VAR_KEYWORD for each in own.values()):
        return
    if any(each.source == "request" or each.is_custom for each in plan.inputs):
        return
    if plan.bind is not None and any(provider is None for _, provider in plan.bind((), complete=False).asked):
        return
    what = f"{named(function)} does not take {listed(untaken)} of its path, so {unmarked[0]} would come from the query."
    remedy = f"Name the parameter as in the path, or mark it: `{unmarked[0]}: Annotated[..., Query()]`."
    raise HandlerError("RW202", what, remedy)


def takes_parameters(
    function: Callable[..., Any], signature: inspect.Signature, names: Collection[str], path: str
) -> bool:
    """Whether the handler takes the path parameters as keyword arguments.

    Raises HandlerError (RW202) if the handler does not take the request first, takes only some of the path parameters,
    or needs other arguments.
    """
    parameters = list(signature.parameters.values())
    if not parameters or parameters[0].kind not in _TAKES_FIRST or parameters[0].name in names:
        raise HandlerError("RW202", f"{named(function)} does not take the request as its first parameter.")
    keywords = set()
    needed = set()
    for other in parameters[1:]:
        kind = other.kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            return bool(names)
        if kind in _KEYWORDS:
            keywords.add(other.name)
            if other.default is inspect.Parameter.empty:
                needed.add(other.name)
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
    if parameters and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD:
        return None
    return frozenset([parameter.name for parameter in parameters[1:] if parameter.kind in _KEYWORDS])
