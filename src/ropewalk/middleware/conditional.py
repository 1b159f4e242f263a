"""Conditional requests: a client that has the current version of a resource gets 304 (RFC 9110, section 13)."""

from dataclasses import dataclass
from typing import Any, Final

from ropewalk.conditions import evaluate, without_content
from ropewalk.errors import HTTPError, KnownOptions
from ropewalk.etags import digest_tag, etag
from ropewalk.headers import last_modified
from ropewalk.middleware.added_fields import Line, add_lines
from ropewalk.middleware.chain import Middleware, Next
from ropewalk.middleware.describing import HeaderParameter, MiddlewareDescription, MiddlewareResponse, describes
from ropewalk.middleware.options import check_count, check_kind, check_switches
from ropewalk.open_files import OpenFile
from ropewalk.request import Request
from ropewalk.response import JSON, KNOWN_TYPES, Response

_HASHED: Final = frozenset(("content-type", "content-encoding", "content-language"))
"""Response fields that change the meaning of the body's bytes. They are hashed together with the body."""
_TAG: Final = {"ETag": "The version of the resource."}
_DESCRIPTION: Final = MiddlewareDescription(
    methods=("GET", "HEAD"),
    parameters=(
        HeaderParameter(
            "If-None-Match", "ETags of versions that the client has. If one of them is current, the status is 304."
        ),
        HeaderParameter(
            "If-Match", "ETags of versions that the client accepts. If none of them is current, the status is 412."
        ),
    ),
    headers=_TAG,
    responses=(
        MiddlewareResponse(304, "The client has the current version.", _TAG),
        MiddlewareResponse(412, "`If-Match` does not have the ETag of the current version."),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalOptions(KnownOptions):
    """Which responses get an ETag, and of which kind. Raises HandlerError (RW230)."""

    weak: bool = False
    """Whether the ETags are weak. Set it if a proxy compresses or changes bodies, because a strong ETag stands for
    exactly the same bytes."""
    hashed_body_limit: int = 1024 * 1024
    """The size in bytes up to which a body gets an ETag. Hashing takes about 1 ms per MiB."""
    files: bool = True
    """Whether files get a weak ETag, made from their size, inode, and times of change."""

    def __post_init__(self) -> None:
        check_switches(self, "weak", "files")
        check_count(self, "hashed_body_limit")


def conditional(options: ConditionalOptions = ConditionalOptions()) -> Middleware:
    """A middleware that adds an ETag to responses that are not streams, and handles conditional GET and HEAD requests.
    Only responses with status 200 are changed. The handler always runs: a 304 saves the transfer, not the work. An ETag
    or Last-Modified field that the handler sets is kept, also for streams. In handlers of other methods, call
    `request.if_match` before you change anything. For a value that is sent with its default Content-Type, `etag(value)`
    returns the same ETag as this middleware adds.
    """
    check_kind(options, ConditionalOptions)

    @describes(_DESCRIPTION)
    async def conditional(request: Request, next: Next) -> Response:
        response = await next(request)
        if response.status != 200 or request.method not in ("GET", "HEAD") or request.started:
            return response
        fields = dict(response.headers.lines())
        tag = fields.get("etag")
        modified = fields.get("last-modified")
        lines: list[Line] = []
        if tag is None:
            tag = entity_tag(request, response, fields, options)
            if tag is not None:
                lines.append(("etag", tag))
        if modified is None and isinstance(response.body, OpenFile):
            modified = last_modified(response.body.modified, request.unix_date)
            if modified is not None:
                lines.append(("last-modified", modified))
        if lines:
            add_lines(request, response, lines)
        return conditional_response(request, response, tag, modified)

    return conditional


def conditional_response(request: Request, response: Response, tag: str | None, modified: str | None) -> Response:
    """A 200 response with these validators, or a 304 if the client has it already.

    Raises HTTPError 412 for a precondition that fails.
    """
    status = evaluate(request.header, tag, modified, request.unix_date)
    if status == 412:
        raise HTTPError(412, "`If-Match` does not have the ETag of the current version.")
    return _not_modified(response) if status == 304 else response


def entity_tag(request: Request, response: Response, fields: dict[str, str], options: ConditionalOptions) -> str | None:
    """The ETag of a body. None for a stream, for a body that is too large, and for a HEAD handler's empty body."""
    body: Any = response.body
    if isinstance(body, OpenFile):
        body.is_tagged = options.files
        return f"W/{body.tag}" if options.files else None
    if not isinstance(body, bytes | str) or len(body) > options.hashed_body_limit:
        return None
    if not body and request.method == "HEAD":
        return None
    kind = fields.get("content-type")
    # If the Content-Type was negotiated, it is hashed, too: two representations of the same value must have different
    # tags (RFC 9110, section 8.8.3).
    negotiated = kind != JSON and "accept" in fields.get("vary", "").lower()
    if not negotiated and kind in KNOWN_TYPES and not _HASHED.difference(("content-type",)) & fields.keys():
        return etag(response.value, weak=options.weak)  # as a handler computes it for `request.if_match`
    about = "\n".join(fields.get(name, "") for name in sorted(_HASHED)).encode("utf-8")
    octets = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    return digest_tag(about, b"\0", octets, weak=options.weak)


def _not_modified(response: Response) -> Response:
    """The 304 that replaces a response. It keeps fields such as Vary, Cache-Control, ETag and Set-Cookie."""
    unchanged = Response(None, 304)
    unchanged.headers.add_checked(without_content(response.headers.lines()))
    unchanged.compress = response.compress
    return unchanged
