"""The keyword arguments of routes and mounts. Editors and type checkers show them.

A wrong name is an error for the type checker, and raises HandlerError (RW270) at run time.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypedDict

from ropewalk.errors import OptionError, TreeError, shown, with_place
from ropewalk.suggest import did_you_mean
from ropewalk.typed import Produces

Responses = Mapping[int, Any] | Mapping[str, Any] | Mapping[int | str, Any]
"""Descriptions of responses by status.

Keys of a Mapping are invariant: a dict[int, str] does not have the last form.
"""


class RouteOptions(TypedDict, total=False):
    """The options of `route`, `get`, `post` and so on, all of which may be left out."""

    name: str | None
    """The name for `url_for`; None for the function's name."""
    status: int | None
    """The status of a returned value that is not a Response; None for 200, or 204 if nothing is returned."""
    content_type: str | None
    """The Content-Type of a returned str or bytes. A str is encoded in its charset."""
    produces: Produces | None
    """The media types that a client may choose with its Accept field, the preferred one first. They replace those of
    the app: see `ropewalk.negotiation`."""
    body_limit: int | None
    """The most bytes of the request's body. It replaces the engine's limit."""
    middleware: Iterable[Callable[..., Any]]
    """Middleware that runs directly around the function, inside the middleware of the apps; the first is outermost. It
    is called only for requests to this function, and for their preflights (see `ropewalk.middleware.cors`)."""
    provide: Mapping[str, Any] | None
    """Providers by name, which take precedence over those of apps: functions, or Depends with a function."""
    summary: str | None
    """The summary in the OpenAPI document; None for the first line of the docstring."""
    description: str | None
    """The description in the OpenAPI document; None for the rest of the docstring."""
    tags: Iterable[str]
    """Tags in the OpenAPI document, in addition to those of the app."""
    deprecated: bool
    """Whether the OpenAPI document calls the route deprecated."""
    hidden: bool
    """Whether the OpenAPI document omits the route."""
    responses: Responses | None
    """More responses in the OpenAPI document by status, such as 404 or "4XX": a description, a type, or a Response
    Object."""
    operation_id: str | None
    """The `operationId` in the OpenAPI document; None for one made from the function's name."""
    operation: Mapping[str, Any] | None
    """Members that are merged into the Operation Object of the OpenAPI document."""


class MountOptions(TypedDict, total=False):
    """The options of `mount`, all of which may be left out."""

    name: str | None
    """The name in front of those of the mounted routes: `url_for` finds them as `name.route`."""
    provide: Mapping[str, Any] | None
    """Providers by name for a mounted App, which may register others with the same names."""
    middleware: Iterable[Callable[..., Any]]
    """Middleware around everything that is mounted, the first in the list outermost: inside the middleware of this app,
    and outside of that of a mounted App. Responses such as a 404 or 405 below the path have it, too."""
    tags: Iterable[str]
    """Tags in the OpenAPI document for every operation below the mount."""
    hidden: bool
    """Whether the OpenAPI document omits all operations below the mount."""


ROUTE_OPTIONS: Final = RouteOptions.__optional_keys__
MOUNT_OPTIONS: Final = MountOptions.__optional_keys__


def check_route_options(function: str, path: object, options: Mapping[str, Any]) -> None:
    """Check the options of a route of `function`, such as "get".

    Raises TreeError (RW109) for `methods` of another function than `route`, and HandlerError: RW270 for an unknown
    option, RW271 for a value of a wrong type.
    """
    if "methods" in options:
        what = with_place(f"{function}({shown(path)}) takes no methods.")
        raise TreeError("RW109", what, f"Write route({shown(path)}, methods=[...]).")
    check_names(f"{function}({shown(path)})", options, ROUTE_OPTIONS)
    for name in ("name", "content_type", "summary", "description"):
        _check(path, options, name, str | None, "Give a str, or None.")
    for name in ("deprecated", "hidden"):
        _check(path, options, name, bool, "Write True or False.")


def check_names(call: str, options: Mapping[str, Any], known: frozenset[str]) -> None:
    """Raises HandlerError (RW270) if a call has an option that is not among the known ones."""
    for name in options:
        if name not in known:
            remedy = did_you_mean(name, known).lstrip() or f"The options are {', '.join(sorted(known))}."
            raise OptionError("RW270", f"{call} has no option {name!r}.", remedy)


def _check(path: object, options: Mapping[str, Any], name: str, kind: Any, remedy: str) -> None:
    value = options.get(name, ...)
    if value is not ... and not isinstance(value, kind):
        raise OptionError("RW271", f"The route {shown(path)} has {name}={shown(value)}.", remedy)
