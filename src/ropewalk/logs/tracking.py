"""The request that the running code handles, and the fields of this request in log lines.

The engine sets the context variable to the request if a log with fields is on. Otherwise, a request costs nothing here.
The fields are computed for each line that is logged, so a request that logs nothing costs only the variable.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec

from ropewalk.errors import shown

if TYPE_CHECKING:
    from ropewalk.request import Request

_current: Final[ContextVar["Request | None"]] = ContextVar("ropewalk_request", default=None)
_tracking: Final[list[bool]] = []
"""Not empty if the requests of servers that start from now on are tracked."""
_NAMES: Final = ("id", "user_id", "sub", "username", "name")
"""Where the name of a principal is looked for, in this order."""

_IN_BOTH: Final = ("time", "request_id", "method", "path", "route", "user", "status", "duration")
_IN_THE_LOG: Final = ("level", "logger", "message", "exception")
_IN_THE_ACCESS_LOG: Final = ("unix_time", "client", "query", "target", "request", "version", "host", "bytes")
_TIMES_AND_FIELDS: Final = ("seconds", "milliseconds", "referer", "user_agent")
OF_ROPEWALK: Final = frozenset((*_IN_BOTH, *_IN_THE_LOG, *_IN_THE_ACCESS_LOG, *_TIMES_AND_FIELDS))
"""The names of fields that Ropewalk sets, in the log or in the access log."""

set_current_request: Final = _current.set
"""Set the request of the current context. The engine calls it."""


def track_requests() -> None:
    """Make `current_request` work for servers that start after this call. A log in JSON, a log for the console and
    `configure_structlog` call it."""
    _tracking[:] = [True]


def tracks_requests() -> bool:
    """Whether `track_requests` was called."""
    return bool(_tracking)


def current_request() -> "Request | None":
    """The request that the running code handles. None outside a request, or if requests are not tracked."""
    return _current.get()


def request_fields(request: "Request | None" = None) -> dict[str, Any]:
    """What a log line says about a request, by default the current one; empty outside a request.

    It has `request_id`, `method`, `path`, `route`, `user`, `status`, `duration` in seconds, and the fields of
    `Request.log`. A field that is not known yet is left out.
    """
    request = request or _current.get()
    if request is None:
        return {}
    state = getattr(request, "_state", None)  # not `request.state`, which would create it
    fields = {
        "request_id": getattr(state, "request_id", None),
        "method": request.method,
        "path": request.raw_path.decode("ascii", "backslashreplace"),
        "route": request.route,
        "user": user_of(request),
        "status": request.status,
        "duration": request.elapsed,
    }
    fields = {name: value for name, value in fields.items() if value is not None}
    return fields | dict(request.logged)


def user_of(request: "Request") -> str | int | None:
    """The name or id of the principal that the middleware `authenticate` found; None without one."""
    found = getattr(getattr(request, "_state", None), "authentication", None)
    return name_of_principal(getattr(found, "principal", None))


def name_of_principal(principal: object) -> str | int | None:
    """The name or id of a principal: a str, an int, or its `id`, `user_id`, `sub`, `username` or `name`."""
    if isinstance(principal, str | int):
        return principal
    if isinstance(principal, UUID):
        return f"{principal}"
    for name in _NAMES:
        if isinstance(principal, Mapping):
            found = principal.get(name)
        else:
            try:
                found = getattr(principal, name, None)
            except Exception:  # noqa: BLE001 - a property of the user's class failed, and the line must be logged
                continue
        if isinstance(found, str | int | UUID):
            return found if isinstance(found, str | int) else f"{found}"
    return None


def log_value(value: Any) -> bytes:
    """A value as JSON, for the access log. A value that JSON does not have becomes a text."""
    try:
        return msgspec.json.encode(value, enc_hook=str)
    except Exception:  # noqa: BLE001 - also what a method of the value raises
        return msgspec.json.encode(shown(value).encode("utf-8", "backslashreplace").decode())


def note_field(request: "Request", name: str, value: Any) -> None:
    """Set a field of the line in the access log, if the access log has this field."""
    if value is not None and name in getattr(request.service, "access_fields", ()):
        request.set_log_field(name, log_value(value))
