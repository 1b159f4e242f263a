"""The keyword arguments of routes and mounts. Editors and type checkers show them.

A wrong name is an error for the type checker, and raises HandlerError (RW270) at run time.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypedDict

from ropewalk.errors import OptionError, TreeError, place, shown, unknown_option, with_place
from ropewalk.methods import SERVABLE, is_servable
from ropewalk.typed import Produces

Responses = Mapping[int, Any] | Mapping[str, Any] | Mapping[int | str, Any]
"""Descriptions of responses by status.

The type is a union, because the key type of a Mapping is invariant: a dict[int, str] is not a Mapping[int | str, Any].
"""


class RouteOptions(TypedDict, total=False):
    """The options of `route`, `get`, `post` and so on. All are optional."""

    name: str | None
    """The route's name for `url_for`; None for the function's name."""
    status: int | None
    """The status of a returned value that is not a Response; None for 200, or 204 if nothing is returned."""
    content_type: str | None
    """The Content-Type of a returned str or bytes. A str is encoded in the charset of this Content-Type."""
    produces: Produces | None
    """The media types that a client may choose with its Accept field, the preferred one first. They replace those that
    the app sets: see `ropewalk.negotiation`."""
    body_limit: int | None
    """The maximum size in bytes of the request's body. It replaces the engine's limit."""
    compress: bool | None
    """Whether the response is compressed, if the client and its type allow it: False for a page that has a secret and
    input of the client, True for a route of an app without compression, None for the app's choice."""
    decompress: bool
    """Whether a body in gzip, br or zstd is decoded; any other coding gets 415. `body_limit` then limits the decoded
    body."""
    middleware: Iterable[Callable[..., Any]]
    """Middleware that runs directly around the function, inside the middleware of the apps; the first is outermost. It
    is called only for requests that this function handles, and for CORS preflights of such requests (see
    `ropewalk.middleware.cors`)."""
    provide: Mapping[str, Any] | None
    """Providers by name, which take precedence over the providers of apps. Each is a function, or Depends with a
    function."""
    summary: str | None
    """The summary in the OpenAPI document; None for the first line of the docstring."""
    description: str | None
    """The description in the OpenAPI document; None for the rest of the docstring."""
    tags: Iterable[str]
    """Tags in the OpenAPI document, in addition to the app's tags."""
    deprecated: bool
    """Whether the OpenAPI document marks the route as deprecated."""
    hidden: bool
    """Whether the OpenAPI document omits the route."""
    responses: Responses | None
    """More responses in the OpenAPI document by status, such as 404 or "4XX": a description, a type, or a Response
    Object."""
    operation_id: str | None
    """The `operationId` in the OpenAPI document; None for an id made from the function's name."""
    operation: Mapping[str, Any] | None
    """Members that are merged into the Operation Object of the OpenAPI document."""


class MountOptions(TypedDict, total=False):
    """The options of `mount`. All are optional."""

    name: str | None
    """The prefix for the names of the mounted routes: `url_for` finds them as `name.route`."""
    provide: Mapping[str, Any] | None
    """Providers by name for a mounted App. A provider that the App itself registers with the same name takes
    precedence."""
    middleware: Iterable[Callable[..., Any]]
    """Middleware around everything that is mounted, the first in the list outermost. It runs inside the middleware of
    this app and outside that of a mounted App. It also runs for errors such as 404 and 405 below the path."""
    tags: Iterable[str]
    """Tags in the OpenAPI document for every operation below the mount."""
    hidden: bool
    """Whether the OpenAPI document omits all operations below the mount."""


_OF_ROUTES: Final = RouteOptions.__optional_keys__
_OF_MOUNTS: Final = MountOptions.__optional_keys__


def check_route_options(function: str, path: object, options: Mapping[str, Any]) -> None:
    """Check the path and the options of a route of `function`, such as "get".

    Raises TreeError: RW101 for a path that is not a str, RW109 for `methods` of another function than `route`. Raises
    HandlerError: RW270 for an unknown option, RW271 for a value of a wrong type.
    """
    if not isinstance(path, str):
        what = f"{place(path)}: a route has no path." if callable(path) else with_place(f"{shown(path)} is not a path.")
        raise TreeError("RW101", what, 'Write `@app.get("/...")`, with its path.')
    if "methods" in options:
        what = with_place(f"{function}({path!r}) takes no methods.")
        raise TreeError("RW109", what, f"Write route({path!r}, methods=[...]).")
    _check_names(f"{function}({path!r})", options, _OF_ROUTES)
    where = f"The route {path!r}"
    _check_types(where, options, ("name", "content_type", "summary", "description"), str | None, "Give a str, or None.")
    _check_types(where, options, ("decompress", "deprecated", "hidden"), bool, "Write True or False.")
    _check_types(where, options, ("compress",), bool | None, "Write True, False or None.")


def check_mount_options(path: object, options: Mapping[str, Any]) -> None:
    """Check the path and the options of a mount.

    Raises TreeError (RW101) for a path that is not a str, and HandlerError: RW270 for an unknown option, RW271 for a
    value of a wrong type.
    """
    if not isinstance(path, str):
        what = with_place(f"mount was called with {shown(path)} instead of a path.")
        raise TreeError("RW101", what, 'Write `app.mount("/...", other)`.')
    _check_names(f"mount({path!r})", options, _OF_MOUNTS)
    _check_types(f"The mount at {path!r}", options, ("name",), str | None, "Give a str, or None.")
    _check_types(f"The mount at {path!r}", options, ("hidden",), bool, "Write True or False.")


def checked_methods(given: object, path: str) -> tuple[str, ...]:
    """The methods of a route, in upper case. Raises TreeError (RW109) for wrong methods."""
    if isinstance(given, str):
        raise TreeError("RW109", f"{path!r} has the invalid value methods={given!r}.", f"Write methods=[{given!r}].")
    names = tuple(given) if isinstance(given, Iterable) else ()
    if not names or not all(isinstance(each, str) for each in names):
        raise TreeError(
            "RW109",
            with_place(f"{path!r} has the invalid value methods={shown(given)}."),
            'Write methods=["GET", "POST"].',
        )
    for name in names:
        if not is_servable(name.upper()):
            raise TreeError("RW109", f"{path!r} has the method {name!r}, which no client can request here.", SERVABLE)
    return tuple(name.upper() for name in names)


def _check_names(call: str, options: Mapping[str, Any], known: frozenset[str]) -> None:
    """Raises HandlerError (RW270) if a call has an option whose name is not in `known`."""
    for name in options:
        if name not in known:
            raise unknown_option(call, name, known)


def _check_types(where: str, options: Mapping[str, Any], names: Iterable[str], kind: Any, remedy: str) -> None:
    for name in names:
        if name in options and not isinstance(options[name], kind):
            raise OptionError("RW271", f"{where} has the invalid value {name}={shown(options[name])}.", remedy)
