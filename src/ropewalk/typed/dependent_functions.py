"""Functions that other code calls with its own arguments, and that also take dependencies. An example is the check of
an authentication scheme: `async def check(name, password, session: Annotated[Session, Depends(open_session)])`.

Such a function shares the values of its providers with the handler of the request: a provider with the scope "request"
is called once for both, and is closed when the response has ended. A provider with the scope "handler" is closed when
the function has ended.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from inspect import Parameter, Signature, isawaitable
from typing import Annotated, Any, Final, get_args, get_origin

from ropewalk.errors import HandlerError, named
from ropewalk.request import Request
from ropewalk.typed.annotations import evaluated, without_alias
from ropewalk.typed.dependencies import Calls
from ropewalk.typed.dependency_cleanup import OpenGenerators
from ropewalk.typed.depends import Dependencies, Depends, layers_of
from ropewalk.typed.markers import Marker
from ropewalk.typed.parameter_sources import Input, has_marker_as_default
from ropewalk.typed.provider_steps import StepsOfHandler

DEPENDENTS: Final = "ropewalk_dependents"
"""The name of the attribute of a middleware that lists its functions with dependencies."""


class DependentFunction:
    """A function with dependencies. Raises HandlerError (RW214, RW217, RW218) for dependencies that cannot be
    provided."""

    def __init__(self, function: Callable[..., Any], taken: list[Parameter]) -> None:
        self.function = function

        def collect(**by_name: Any) -> dict[str, Any]:
            return by_name

        collect.__wrapped__ = function  # type: ignore[attr-defined] # so that error messages name `function`
        collect.__signature__ = Signature(taken)  # type: ignore[attr-defined] # the parameters that are provided
        self._collect = collect
        self.placeholders = dict.fromkeys(each.name for each in taken)
        """The names of the parameters that dependencies provide, each with the value None. A check uses them to find
        out whether the function can be called.
        """
        self.bind((), complete=False)

    def bind(self, layers: tuple[Dependencies, ...], *, complete: bool = True) -> StepsOfHandler:
        """The providers that the function needs inside the apps with the dependencies `layers`, which are given
        outermost first.

        Raises HandlerError (RW214, RW216, RW217, RW218).
        """
        steps = StepsOfHandler(self._collect, (), ("POST",), layers, {}, complete=complete)
        if any(each.source in ("body", "form") for each in steps.inputs):
            what = f"{named(self.function)} needs the body of the request, and is called before the body arrives."
            raise HandlerError("RW218", what, "Let it use the header fields or the query instead.")
        return steps

    async def call(self, request: Request, given: tuple[Any, ...], apps: tuple[Any, ...]) -> Any:
        """Call the function with the arguments `given` and with the values of its providers, inside `apps`."""
        scope = OpenGenerators.shared(request)
        try:
            by_name = self._calls(apps).call_shared(request, scope)
            value = self.function(*given, **(await by_name if isawaitable(by_name) else by_name))
            found = await value if isawaitable(value) else value
        except BaseException as error:
            raised = await scope.close_later(error) or error
            scope.fail(raised)
            scope.end()
            if raised is error:
                raise
        else:
            late = await scope.close_later(None)
            scope.end()
            if late is None:
                return found
            raised = late
        try:
            raise raised  # outside of `except`, so that the function's error does not become its context
        finally:
            del raised

    def inputs_inside(self, apps: tuple[Any, ...]) -> list[Input]:
        """The inputs of the function's providers inside `apps`, which are given outermost first."""
        kept: dict[Any, list[Input]] = apps[0].dependencies.bound
        key = (self, apps, "inputs")
        if key not in kept:
            kept[key] = self.bind(layers_of(apps), complete=False).inputs
        return kept[key]

    def _calls(self, apps: tuple[Any, ...]) -> Calls:
        """The `Calls` object for the function inside `apps`. It is kept until an app changes, because making it takes
        long."""
        if not apps:
            return self._bound(())
        kept: dict[Any, Calls] = apps[0].dependencies.bound
        key = (self, apps)
        if key not in kept:
            kept[key] = self._bound(layers_of(apps))
        return kept[key]

    def _bound(self, layers: tuple[Dependencies, ...]) -> Calls:
        found = self.bind(layers)
        return Calls(tuple(found.steps), found.handler, None)


def dependent_on(function: Any, count: int) -> DependentFunction | None:
    """Make a DependentFunction of a function that takes dependencies after `count` arguments from its caller. None if
    the function takes no dependencies. Raises HandlerError (RW214) if one of the first `count` parameters has a marker.
    """
    taken = parameters_with_markers(function)
    if not taken:
        return None
    own = list(_signature_of(function).parameters)[:count]
    wrong = next((each.name for each in taken if each.name in own), None)
    if wrong is not None:
        what = f"{named(function)}: {wrong} is in front of a parameter that the caller gives."
        raise HandlerError("RW214", what, "Write the parameters with Depends after the others.")
    return DependentFunction(function, [each.replace(kind=Parameter.KEYWORD_ONLY) for each in taken])


def parameters_with_markers(function: Any) -> list[Parameter]:
    """The parameters of a function that are provided: the parameters with a marker, and the request.

    Parameters to which a `functools.partial` has bound a value are not included.
    """
    found: list[Parameter] = []
    signature = _signature_of(function)
    bound = function.keywords if isinstance(function, partial) else ()
    for each in () if signature is None else signature.parameters.values():
        if each.name in bound:
            continue
        annotation = without_alias(evaluated(each.annotation, function))
        details = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
        markers = [kind if isinstance(kind, type) else type(kind) for kind in details]
        is_request = isinstance(annotation, type) and issubclass(annotation, Request)
        is_marked = any(issubclass(kind, Marker | Depends) for kind in markers) or has_marker_as_default(each)
        if is_marked or (is_request and found):
            found.append(each.replace(annotation=annotation))
    return found


def dependents_of(middleware: Any) -> Iterable[DependentFunction]:
    """The functions of a middleware that have dependencies."""
    found: Iterable[DependentFunction] = getattr(getattr(middleware, "__self__", middleware), DEPENDENTS, ())
    return found


def dependents_around(apps: tuple[Any, ...], middleware: Iterable[Any]) -> Iterator[tuple[DependentFunction, Any]]:
    """Yield the functions with dependencies that the middleware around a handler has, each with the apps around its
    middleware."""
    for depth, app in enumerate(apps, 1):
        for each in app.middlewares:
            yield from ((dependent, apps[:depth]) for dependent in dependents_of(each))
    for each in middleware:
        yield from ((dependent, apps) for dependent in dependents_of(each))


def _signature_of(function: Any) -> Any:
    try:
        return inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):  # some builtins have no signature
        return None
