"""The functions of your application that a scheme calls, such as `check` of `BasicAuth`: they may take dependencies."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from ropewalk.auth.identity import awaited, checked
from ropewalk.calling import apps_around
from ropewalk.request import Request
from ropewalk.typed import DependentFunction, dependent_on

if TYPE_CHECKING:
    from ropewalk.auth.scheme import Scheme

APPS: Final = "ropewalk_authenticating_apps"
"""The name of the attribute of `request.state` that has the apps around `authenticate`, outermost first."""


class SchemeFunction:
    """A function that a scheme calls with `count` arguments. Its other parameters are dependencies."""

    def __init__(self, function: Callable[..., Any], count: int) -> None:
        self.function = function
        self.dependent = dependent_on(function, count)

    async def call(self, request: Request, *given: Any) -> Any:
        """Call the function, and return its value, awaited if necessary."""
        if self.dependent is None:
            return await awaited(self.function(*given))
        apps = getattr(request.state, APPS, None)
        return await self.dependent.call(request, given, apps_around(request) if apps is None else apps)

    async def principal(self, request: Request, *given: Any) -> Any:
        """The principal that the function returns; None if it refuses.

        Raises HandlerError (RW242) if the function returns True.
        """
        if self.dependent is None:
            return await checked(self.function, *given)

        def call() -> Any:
            return self.call(request, *given)

        call.__wrapped__ = self.function  # type: ignore[attr-defined] # error messages name this function
        return await checked(call)


def dependents_of_schemes(schemes: "tuple[Scheme, ...]") -> Iterator[DependentFunction]:
    """Yield the functions of schemes that have dependencies."""
    for scheme in schemes:
        for each in vars(scheme).values():
            if isinstance(each, SchemeFunction) and each.dependent is not None:
                yield each.dependent
