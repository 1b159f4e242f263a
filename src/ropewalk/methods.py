"""Methods of requests: those that are registered, and what resources call theirs."""

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
"""Methods that the engine lets in, whether something serves them or not: the registry that RFC 9110, section 16.1.1,
founds and two that are common, less CONNECT and TRACE, which are off. The same list is in `engine/src/method.rs`."""

ANY: Final = "*"
"""Stands for every method there is, among those that a resource may serve."""


SERVABLE: Final = (
    "Name a method of capitals, digits, hyphens and underscores that begins with a capital. CONNECT and TRACE are off."
)
"""The remedy for a name of which `is_servable` is not true."""

_CONVENTIONAL: Final = re.compile(r"[A-Z][A-Z0-9_-]*", re.ASCII)


def is_servable(method: str) -> bool:
    """Whether the engine lets a method in where it is served: it looks like one (RFC 9110, section 9.1) and is on."""
    return _CONVENTIONAL.fullmatch(method) is not None and method not in ("CONNECT", "TRACE")


def rendered_method(attribute: str) -> str | None:
    """The method that an attribute of a resource is named for: `render_GET`, and `render_M_SEARCH` for M-SEARCH.

    None for any other, such as a helper of the class: a client must not be able to call `render_template`.
    """
    name = attribute.removeprefix("render_")
    return name.replace("_", "-") if name != attribute and is_servable(name) else None
