"""Request methods: the registered ones, and the names of methods in resources."""

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
"""Methods that the engine accepts whether a resource serves them or not: the registry of RFC 9110, section 16.1.1, and
two common ones, without CONNECT and TRACE, which are disabled. The same list is in `engine/src/method.rs`."""

ANY: Final = "*"
"""A marker for every method that a resource may serve."""

SERVABLE: Final = (
    "Use capitals, digits, hyphens and underscores, and begin with a capital. CONNECT and TRACE are disabled."
)
"""The remedy for a name that fails `is_servable`."""

_CONVENTIONAL: Final = re.compile(r"[A-Z][A-Z0-9_-]*", re.ASCII)


def is_servable(method: str) -> bool:
    """Whether a resource may serve a method: its name is well-formed (RFC 9110, section 9.1) and it is not disabled."""
    return _CONVENTIONAL.fullmatch(method) is not None and method not in ("CONNECT", "TRACE")


def rendered_method(attribute: str) -> str | None:
    """The method in the name of a resource's attribute: `render_GET`, and `render_M_SEARCH` for M-SEARCH.

    None for other attributes: a client must not be able to call a helper such as `render_template`.
    """
    name = attribute.removeprefix("render_")
    return name.replace("_", "-") if name != attribute and is_servable(name) else None
