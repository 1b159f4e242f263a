"""A request as ASGI tells an application of it."""

from typing import Any, Final

from ropewalk.asgi.messages import HTTP, Scope
from ropewalk.request import Address, Request

_EXTENSIONS: Final[dict[str, dict[str, Any]]] = {
    "http.response.early_hint": {},
    "http.response.pathsend": {},
    "http.response.trailers": {},
}


def http_scope(request: Request, state: dict[str, Any]) -> Scope:
    """The scope of a request. `path` is the whole of it, `root_path` its beginning up to where the application hangs.

    `state` is copied, as deep as ASGI wants it: an application may put things there for this request.
    """
    prepath = request.prepath
    client = request.client
    server = request.server
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": HTTP},
        "http_version": request.http_version,
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.raw_path,
        "query_string": request.query_string,
        "root_path": f"/{'/'.join(prepath)}" if prepath else "",
        "headers": request.raw_headers(),
        "client": client if type(client) is tuple else None,
        "server": server if type(server) is tuple else _path(server),
        "extensions": _EXTENSIONS.copy(),
        "state": state.copy(),
    }


def _path(address: Address) -> tuple[str, None] | None:
    """A server's UNIX socket."""
    return (address, None) if isinstance(address, str) and address else None
