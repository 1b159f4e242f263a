"""Read the options that a Routes class has as class attributes, and apply them to all its routes and mounts with a
Layer."""

from collections.abc import Mapping
from typing import Any, Final

from ropewalk.calling import ErrorFormat, ErrorHandlers, check_format
from ropewalk.errors import HandlerError, shown
from ropewalk.resource import check_middlewares
from ropewalk.routing.methods_as_routes import is_route
from ropewalk.typed import Dependencies, all_named

INSTANCE_OPTIONS: Final = ("middleware", "provide", "error_format", "produces")
"""Options that have an effect only as class attributes, because the routes are made before `__init__` runs. Setting one
on an object is an error. Options such as `tags` are not listed, because an object may use these names for its own data.
"""


class Layer:
    """The middleware, providers and error format that a mount or a Routes class applies to its routes.

    A Layer is one of the `apps` around a handler, so it has the attributes of an App that other code reads from the
    items of `apps`.
    """

    def __init__(
        self,
        name: str,
        middleware: tuple[Any, ...] = (),
        provided: Mapping[str, Any] | None = None,
        error_format: ErrorFormat | None = None,
    ) -> None:
        self.layer_name = name
        """The name of the mount or the class, for messages."""
        self.middlewares = list(middleware)
        self.dependencies = Dependencies()
        self.dependencies.named.update(provided or {})
        self.error_format = error_format
        self.errors = ErrorHandlers()
        self.templates = None
        self.trailing_slash = None

    def __bool__(self) -> bool:
        return bool(self.middlewares or self.dependencies.named or self.error_format)


def layer_of(kind: type) -> Layer:
    """The layer for the class attributes `middleware`, `provide` and `error_format`.

    Raises HandlerError (RW205, RW218, RW271).
    """
    name = kind.__qualname__
    middleware = getattr(kind, "middleware", ())
    if hasattr(middleware, "__get__") and not is_route(middleware):
        what = f"{name}.middleware is not a list of middleware, so it would not protect the routes."
        raise HandlerError("RW205", what, "Write `middleware = [...]` in the class, or rename it.")
    provided = _data(kind, "provide")
    if not (provided is None or isinstance(provided, Mapping)):
        raise HandlerError(
            "RW218", f"{name} has the invalid value provide={shown(provided)}.", "Give a dict of functions by name."
        )
    return Layer(
        name,
        () if is_route(middleware) else check_middlewares(middleware, name),
        all_named(provided),
        check_format(_data(kind, "error_format")),
    )


def flag_of(kind: type, name: str) -> bool:
    """The class attribute `deprecated` or `hidden`. Raises HandlerError (RW219) if it is not a bool."""
    flag = _data(kind, name)
    if not isinstance(flag, bool | None):
        what = f"{kind.__qualname__} has {name}={shown(flag)}, which is an option of its routes."
        raise HandlerError("RW219", what, f"Write `{name} = True`, or rename the attribute.")
    return bool(flag)


def check_instance(routes: Any) -> None:
    """Raises HandlerError (RW205) if one of INSTANCE_OPTIONS is set on a Routes object instead of its class."""
    for name in INSTANCE_OPTIONS:
        if name in vars(routes):
            what = f"{type(routes).__qualname__} sets self.{name} after its routes are made, so it has no effect."
            remedy = f"Write `{name} = ...` in the class, or rename the attribute."
            if name in ("middleware", "provide"):
                remedy = f"Pass {name}=... to `mount`, write `{name} = ...` in the class, or rename the attribute."
            raise HandlerError("RW205", what, remedy)


def _data(kind: type, name: str) -> Any:
    """The value of a class attribute; None if the user's class has a method or property with this name."""
    value = getattr(kind, name, None)
    return None if hasattr(value, "__get__") else value
