"""Intended differences from what the suites of other projects expect. The documentation shows these lists."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Deviation:
    """Files of the corpus for which our result is not the expected one."""

    verdict: str
    """Our result."""
    section: str
    """The section of RFC 9112, or of another RFC, which is then named."""
    reason: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Warned:
    """A warning of REDbot that we accept."""

    name: str
    summary: str
    reason: str


CORPUS: Final = (
    Deviation(
        "400 Bad Request: the target has a fragment",
        "3.2.1",
        "A target is a path and a query. A client must not send the fragment.",
        ("valid/005",),
    ),
    Deviation(
        "taken, without content-type",
        "RFC 9110, 6.5.1",
        "Trailers about framing, routing, content and authentication are dropped.",
        ("valid/012",),
    ),
    Deviation(
        "501 Not Implemented: the only supported transfer coding is chunked",
        "6.1",
        "gunicorn passes the coded body to the application. Ropewalk decodes only chunked, and refuses other codings.",
        (
            "valid/025_line",
            "valid/rfc9112_smuggle_gzip_chunked_01",
            "valid/rfc9112_smuggle_te_identity_chunked_01",
        ),
    ),
    Deviation(
        "400 Bad Request: more than one Transfer-Encoding",
        "6.1",
        "The request has the same codings in two fields.",
        ("valid/025", "valid/029", "valid/030"),
    ),
    Deviation(
        "400 Bad Request: a header name is not a token, or is followed by space",
        "5.1, 5.2",
        "A server must refuse a space before a colon, and may refuse folded lines. gunicorn can be configured to "
        "accept both.",
        ("valid/028", "valid/compat_obs_fold", "valid/compat_obs_fold_huge"),
    ),
    Deviation(
        "501 Not Implemented: the method is not supported",
        "RFC 9110, 9.1",
        "These methods are not registered. gunicorn can be configured to accept two of them.",
        ("valid/031", "valid/031compat", "valid/031compat2"),
    ),
    Deviation(
        "taken, with transfer_encoding, with content_length",
        "5.1",
        "gunicorn drops names with underscores, because they are ambiguous in CGI. Ropewalk does not use CGI names.",
        ("valid/040",),
    ),
    Deviation(
        "0 taken, 1 meant",
        "8",
        "The body is shorter than its Content-Length. An incomplete message is not handled.",
        ("valid/099",),
    ),
    Deviation(
        "400 Bad Request: the request line is not a method, a target and a version",
        "3",
        "This is the PROXY protocol, not HTTP.",
        ("valid/pp_01", "valid/pp_02"),
    ),
    Deviation(
        "400 Bad Request: more than one empty line before the request line",
        "2.2",
        "This is version 2 of the PROXY protocol, not HTTP.",
        ("valid/pp_04", "valid/pp_05"),
    ),
    Deviation(
        "400 Bad Request: the authority of the target is not valid",
        "RFC 9110, 4.2.4",
        "A safe recipient treats a name and a password in a URL as an error.",
        ("valid/rfc9112_target_absolute_userinfo_01",),
    ),
    Deviation(
        "501 Not Implemented: CONNECT and TRACE are not supported",
        "RFC 9110, 9.3.6",
        "CONNECT is for proxies.",
        ("valid/rfc9112_target_authority_connect_01", "valid/rfc9112_target_authority_ipv6_01"),
    ),
    Deviation(
        "taken",
        "RFC 9110, 5.4",
        "The request exceeds a limit of gunicorn or of the file. Ropewalk has other limits.",
        (
            "invalid/006",
            "invalid/007",
            "invalid/008",
            "invalid/010",
            "invalid/011",
            "invalid/012",
            "invalid/017",
            "invalid/limit_header_default_01",
        ),
    ),
    Deviation(
        "taken",
        "RFC 7239, 8.1",
        "X-Forwarded-Proto and X-Forwarded-Ssl contradict each other. The engine ignores the second, and uses the "
        "first only from a trusted proxy.",
        ("invalid/019",),
    ),
    Deviation(
        "taken",
        "5.1",
        "gunicorn can be configured to refuse names with underscores.",
        ("invalid/040", "invalid/chunked_07"),
    ),
    Deviation(
        "taken",
        "RFC 9110, 5.3",
        "Two Content-Type fields do not affect the framing, so a recipient need not refuse them.",
        ("invalid/041",),
    ),
    Deviation(
        "taken",
        "RFC 9110, 6.5.1",
        "Ropewalk drops Content-Length, Host and Transfer-Encoding as trailers, and accepts the request.",
        (
            "invalid/rfc9110_trailer_forbidden_cl_01",
            "invalid/rfc9110_trailer_forbidden_host_01",
            "invalid/rfc9110_trailer_forbidden_te_01",
        ),
    ),
)

NOTES: Final = (
    Warned(
        "FRESHNESS_HEURISTIC",
        "This response allows caches to assign their own freshness lifetimes to it.",
        "The author of a response decides how long it stays fresh. The examples do not.",
    ),
    Warned(
        "IMS_FULL",
        "An If-Modified-Since conditional request returned the full content unchanged.",
        "The handlers of these examples do not use the middleware `conditional`, which responds with 304.",
    ),
)
