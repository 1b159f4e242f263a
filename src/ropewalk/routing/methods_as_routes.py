"""Decorators that turn methods of a class into routes.

    class Rooms(Routes):
        def __init__(self, database: Database) -> None:
            self.database = database

        @get("/{room}")
        async def show(self, room: int) -> Room:
            ...

    app.mount("/rooms", Rooms(database))

Each instance of the class has its own routes, which call the methods of this instance. If a subclass overrides a
method, the route stays, unless the new method has its own decorators.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple, TypeVar

Method = TypeVar("Method", bound=Callable[..., Any])

_ATTRIBUTE: Final = "ropewalk_routes"
"""The name of the attribute of a function that lists its routes."""


class DeclaredRoute(NamedTuple):
    """A route that a decorator declares for a method."""

    path: str
    methods: tuple[str, ...]
    options: dict[str, Any]
    """The options of `Routes.route`."""


def route(path: str, methods: Iterable[str] = ("GET",), **options: Any) -> Callable[[Method], Method]:
    """Turn a method of a Routes subclass into the handler of a path. The options are those of `App.route`."""
    declared = DeclaredRoute(path, (methods,) if isinstance(methods, str) else tuple(methods), options)

    def declare(function: Method) -> Method:
        vars(function).setdefault(_ATTRIBUTE, []).append(declared)
        return function

    return declare


def get(path: str, **options: Any) -> Callable[[Method], Method]:
    """`route` for GET, which includes HEAD."""
    return route(path, ("GET",), **options)


def post(path: str, **options: Any) -> Callable[[Method], Method]:
    """`route` for POST."""
    return route(path, ("POST",), **options)


def put(path: str, **options: Any) -> Callable[[Method], Method]:
    """`route` for PUT."""
    return route(path, ("PUT",), **options)


def patch(path: str, **options: Any) -> Callable[[Method], Method]:
    """`route` for PATCH."""
    return route(path, ("PATCH",), **options)


def delete(path: str, **options: Any) -> Callable[[Method], Method]:
    """`route` for DELETE."""
    return route(path, ("DELETE",), **options)


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
