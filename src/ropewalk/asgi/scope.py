"""A request as ASGI tells an application of it."""

from typing import Any, Final

from ropewalk.asgi.messages import HTTP, Scope
from ropewalk.request import Request

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
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": HTTP},
        "root_path": f"/{'/'.join(prepath)}" if prepath else "",
        "extensions": _EXTENSIONS.copy(),
        "state": state.copy(),
    }
    request.fill_asgi_scope(scope)
    return scope
