"""Request methods: the registered methods, and the names of `render_*` methods of resources."""

import re
from typing import Final

REGISTERED: Final = frozenset(
    (
        *("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"),
        *("ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "COPY", "LABEL", "LINK", "LOCK", "MERGE"),
        *("MKACTIVITY", "MKCALENDAR", "MKCOL", "MKREDIRECTREF", "MKWORKSPACE", "MOVE", "ORDERPATCH", "PROPFIND"),
        *("PROPPATCH", "QUERY", "REBIND", "REPORT", "SEARCH", "UNBIND", "UNCHECKOUT", "UNLINK", "UNLOCK", "UPDATE"),
        *("UPDATEREDIRECTREF", "VERSION-CONTROL", "PURGE", "NOTIFY"),
    )
)
"""Methods that the engine accepts even if no resource serves them: those in the registry of RFC 9110, section 16.1.1,
and two other common methods. CONNECT and TRACE are disabled. The same list is in `engine/src/method.rs`."""

ANY: Final = "*"
"""A marker that stands for all methods that a resource may serve."""

SERVABLE: Final = (
    "Use capitals, digits, hyphens and underscores, and begin with a capital. CONNECT and TRACE are disabled."
)
"""The remedy in the error for a method name that `is_servable` rejects."""

_CONVENTIONAL: Final = re.compile(r"[A-Z][A-Z0-9_-]*", re.ASCII)


def is_servable(method: str) -> bool:
    """Whether a resource may serve a method: its name must be well-formed (RFC 9110, section 9.1) and not disabled."""
    if method in REGISTERED:
        return True
    return _CONVENTIONAL.fullmatch(method) is not None and method not in ("CONNECT", "TRACE")


def rendered_method(attribute: str) -> str | None:
    """The method in the name of a resource's attribute: GET for `render_GET`, and M-SEARCH for `render_M_SEARCH`.

    None for other attributes, so that a client cannot call a helper such as `render_template`.
    """
    name = attribute.removeprefix("render_")
    return name.replace("_", "-") if name != attribute and is_servable(name) else None
