"""The ASGI scope of a request."""

from typing import Any, Final

from ropewalk.asgi.messages import HTTP, Scope
from ropewalk.request import Request

_EXTENSIONS: Final[dict[str, dict[str, Any]]] = {
    "http.response.early_hint": {},
    "http.response.pathsend": {},
    "http.response.trailers": {},
}


def http_scope(request: Request, state: dict[str, Any]) -> Scope:
    """The scope of a request. `path` is the whole path; `root_path` is the part up to the application's mount.

    `state` is copied, because an application may add entries for this request. ASGI prescribes a shallow copy.
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
