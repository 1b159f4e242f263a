"""`requires`: demands scopes and roles for a handler, or for everything inside a middleware."""

import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, Final, TypeVar, overload

from ropewalk.auth.forbidden import NotAllowed, insufficient_scope
from ropewalk.auth.identity import authentication_of
from ropewalk.auth.unauthorized import not_authenticated
from ropewalk.errors import HandlerError, OptionError, named, shown
from ropewalk.middleware import Next
from ropewalk.request import Request
from ropewalk.resource import is_async
from ropewalk.routing import ROUTED
from ropewalk.typed.annotations import evaluated
from ropewalk.typed.markers import Computed

Function = TypeVar("Function", bound=Callable[..., Any])

REQUIREMENTS: Final = "ropewalk_requires"
"""The name of the attribute that holds a function's `Requirement`s. The API description reads it."""
_ADDED: Final = "ropewalk_request"
"""The name of the parameter for the request that is added to functions without such a parameter."""


def requires(*scopes: str, role: str | Iterable[str] | None = None) -> "Requirement":
    """Admit only clients that have all these scopes and, if roles are given, at least one of these roles.

    Use it as a decorator below the route decorator, or as a middleware inside `authenticate`. Without scopes and roles
    it admits any authenticated client. An anonymous client gets 401; any other client that is not admitted gets 403.
    Raises HandlerError (RW240) for a scope or role that is not a suitable str.
    """
    roles = (role,) if isinstance(role, str) else tuple(role or ())
    given: tuple[Any, ...] = (*scopes, *roles)
    for each in given:
        if not isinstance(each, str) or not each.isascii() or not each.isprintable() or not each.strip(' "\\'):
            what = f"requires got {named(each) if callable(each) else shown(each)}."
            raise OptionError("RW240", what, 'Write the scopes as str: @requires("rooms:write"), or @requires().')
    return Requirement(tuple(scopes), roles, has_roles=role is not None)


class Requirement:
    """The object that `requires` returns. It is both a decorator and a middleware."""

    is_middleware = True
    ropewalk_needs_user = True

    def __init__(self, scopes: tuple[str, ...], roles: tuple[str, ...], *, has_roles: bool) -> None:
        self.scopes = scopes
        """The required scopes. A client needs all of them."""
        self.roles = roles
        """The accepted roles. A client needs at least one of them."""
        self._has_roles = has_roles

    @overload
    def __call__(self, first: Function, /) -> Function: ...

    @overload
    def __call__(self, first: Request, next: Next, /) -> Awaitable[Any]: ...

    def __call__(self, first: Any, next: Next | None = None, /) -> Any:
        """Decorate a handler, or act as a middleware if called with a request and `next`."""
        return self._guard(first) if next is None else self._pass(first, next)

    def check(self, request: Request) -> None:
        """Raises NotAuthenticated (401) for an anonymous client, and NotAllowed (403) for insufficient scopes or roles.

        Raises HandlerError (RW241) if the `authenticate` middleware is missing.
        """
        found = authentication_of(request)
        if found.identity is None or found.scheme is None:
            raise not_authenticated(found.schemes)
        has_scopes = found.identity.scopes.issuperset(self.scopes)
        if has_scopes and (not self._has_roles or not found.identity.roles.isdisjoint(self.roles)):
            return
        raise NotAllowed(403) if has_scopes else insufficient_scope(found.scheme.challenge(), self.scopes)

    async def _pass(self, request: Request, next: Next) -> Any:
        self.check(request)
        return await next(request)

    def _guard(self, function: Function) -> Function:
        """Wrap a function so that it is called only after the check. The wrapper always takes the request."""
        if getattr(function, ROUTED, False):
            what = f"{named(function)}: @requires is above the route decorator, where it has no effect."
            raise OptionError("RW240", what, "Put it below the route decorator.")
        signature = _signature(function)
        guarded: Function = self._wrapper(function, passes_on=_ADDED in signature.parameters)
        requirements = (self, *getattr(function, REQUIREMENTS, ()))
        vars(guarded)[REQUIREMENTS] = requirements
        if not _takes_only_the_request(signature):
            vars(guarded)["__signature__"] = _with_guard(signature, requirements)
        return guarded

    def _wrapper(self, function: Any, *, passes_on: bool) -> Any:
        """Make the wrapper of `_guard`.

        `passes_on` means that `function` is such a wrapper too, so it takes the added parameter.
        """

        def check(given: tuple[Any, ...], by_name: dict[str, Any]) -> None:
            request = given[0] if given else None
            if not isinstance(request, Request):
                arguments = (*given, *by_name.values())
                request = next((each for each in arguments if isinstance(each, Request)), None)
            if request is None:
                raise HandlerError("RW241", f"{named(function)} was called without a request.")
            self.check(request)
            if not passes_on:
                by_name.pop(_ADDED, None)

        if inspect.isasyncgenfunction(function) or inspect.isasyncgenfunction(type(function).__call__):

            @wraps(function)
            async def guarded_parts(*given: Any, **by_name: Any) -> Any:
                check(given, by_name)
                parts = function(*given, **by_name)
                try:
                    async for part in parts:
                        yield part
                finally:
                    await parts.aclose()

            return guarded_parts
        if is_async(function):

            @wraps(function)
            async def guarded_coroutine(*given: Any, **by_name: Any) -> Any:
                check(given, by_name)
                return await function(*given, **by_name)

            return guarded_coroutine

        @wraps(function)
        def guarded(*given: Any, **by_name: Any) -> Any:
            check(given, by_name)
            return function(*given, **by_name)

        return guarded


@dataclass(frozen=True, slots=True)
class Guard(Computed):
    """Computes the added parameter: the request, if it meets the requirements.

    It is computed before other inputs are read, so that a client without access gets 403 and not 422.
    """

    requirements: tuple[Requirement, ...] = ()

    @property
    def ropewalk_needs_user(self) -> bool:
        """See `ropewalk.middleware.order`."""
        return True

    def compute(self, request: Request, kind: Any, default: Any) -> Any:
        """The request. Raises the exceptions of `Requirement.check`."""
        del kind, default
        for each in self.requirements:
            each.check(request)
        return request


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """The signature of a function. Annotations that are str are evaluated if that is possible now."""
    try:
        return inspect.signature(function, eval_str=True)
    except NameError:
        signature = inspect.signature(function)
    found = [each.replace(annotation=evaluated(each.annotation, function)) for each in signature.parameters.values()]
    returned = evaluated(signature.return_annotation, function)
    return signature.replace(parameters=found, return_annotation=returned)


def _takes_only_the_request(signature: inspect.Signature) -> bool:
    """Whether a function takes the request, and otherwise only parameters without annotations, which are path
    parameters."""
    parameters = list(signature.parameters.values())
    found = [each for each in parameters if each.name == "request" or each.annotation is Request]
    others = [each for each in parameters if each not in found]
    return bool(found) and all(each.annotation is inspect.Parameter.empty for each in others)


def _with_guard(signature: inspect.Signature, requirements: tuple[Requirement, ...]) -> inspect.Signature:
    """Add a parameter for the request to a signature, after all others except `**keywords`."""
    annotation = Annotated[Request, Guard(requirements=requirements)]
    added = inspect.Parameter(_ADDED, inspect.Parameter.KEYWORD_ONLY, annotation=annotation)
    parameters = [each for each in signature.parameters.values() if each.name != _ADDED]
    rest = [each for each in parameters if each.kind is inspect.Parameter.VAR_KEYWORD]
    return signature.replace(parameters=[*(each for each in parameters if each not in rest), added, *rest])
