"""Decorators that turn methods of a class into routes.

    class Rooms(Routes):
        def __init__(self, database: Database) -> None:
            self.database = database

        @get("/{room}")
        async def show(self, room: int) -> Room:
            ...

    app.mount("/rooms", Rooms(database))

Each instance of the class has its own routes, which call the methods of this instance. If a subclass overrides a
method, the route is kept and calls the new method, unless the new method has its own decorators.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple, TypeVar, Unpack

from ropewalk.routing.route_options import RouteOptions, check_route_options, checked_methods

Method = TypeVar("Method", bound=Callable[..., Any])

_ATTRIBUTE: Final = "ropewalk_routes"
"""The name of the attribute of a decorated function that holds its routes."""


class DeclaredRoute(NamedTuple):
    """A route that a decorator declares for a method."""

    function: str
    """The name of the decorator, such as "get"."""
    path: str
    methods: tuple[str, ...]
    options: RouteOptions


def route(path: str, methods: Iterable[str] = ("GET",), **options: Unpack[RouteOptions]) -> Callable[[Method], Method]:
    """Turn a method of a Routes subclass into the handler of a path. The options are those of `App.route`."""
    return _declare("route", path, methods, options)


def get(path: str, **options: Unpack[RouteOptions]) -> Callable[[Method], Method]:
    """Like `route`, for the methods GET and HEAD."""
    return _declare("get", path, ("GET",), options)


def head(path: str, **options: Unpack[RouteOptions]) -> Callable[[Method], Method]:
    """Like `route`, for the method HEAD. Without it, the handler of GET also handles HEAD."""
    return _declare("head", path, ("HEAD",), options)


def post(path: str, **options: Unpack[RouteOptions]) -> Callable[[Method], Method]:
    """Like `route`, for the method POST."""
    return _declare("post", path, ("POST",), options)


def put(path: str, **options: Unpack[RouteOptions]) -> Callable[[Method], Method]:
    """Like `route`, for the method PUT."""
    return _declare("put", path, ("PUT",), options)


def patch(path: str, **options: Unpack[RouteOptions]) -> Callable[[Method], Method]:
    """Like `route`, for the method PATCH."""
    return _declare("patch", path, ("PATCH",), options)


def delete(path: str, **options: Unpack[RouteOptions]) -> Callable[[Method], Method]:
    """Like `route`, for the method DELETE."""
    return _declare("delete", path, ("DELETE",), options)


def options(path: str, **options: Unpack[RouteOptions]) -> Callable[[Method], Method]:
    """Like `route`, for the method OPTIONS. The handler replaces the default response, which has an Allow field."""
    return _declare("options", path, ("OPTIONS",), options)


def _declare(function: str, path: str, methods: Iterable[str], options: RouteOptions) -> Callable[[Method], Method]:
    check_route_options(function, path, options)
    declared = DeclaredRoute(function, path, checked_methods(methods, path), options)

    def declare(method: Method) -> Method:
        vars(method).setdefault(_ATTRIBUTE, []).append(declared)
        return method

    return declare


def is_route(value: Any) -> bool:
    """Whether an attribute of a class is a method with routes."""
    return bool(getattr(value, _ATTRIBUTE, None))


def declared_routes(kind: type) -> Iterator[tuple[str, DeclaredRoute]]:
    """Yield the method name and the route for each route that a class declares, in the order of definition."""
    found: dict[str, list[DeclaredRoute]] = {}
    for each in reversed(kind.__mro__):
        for name, value in vars(each).items():
            routes = getattr(value, _ATTRIBUTE, None)
            if routes:
                found[name] = routes
    for name, routes in found.items():
        for declared in routes:
            yield name, declared
