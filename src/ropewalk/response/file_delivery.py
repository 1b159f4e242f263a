"""Sends a file: whole, not at all if the client has it, or the ranges that the client wants (RFC 9110, sections 13 to
15)."""

import secrets
from collections.abc import Coroutine, Iterator, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Final

from ropewalk.byte_ranges import ByteRange, Multipart, content_range, multipart, satisfied, unsatisfied
from ropewalk.conditions import evaluate, range_applies, without_content
from ropewalk.errors import ExchangeError, WrongLength
from ropewalk.headers import Headers, last_modified
from ropewalk.open_files import OpenFile
from ropewalk.request import Request
from ropewalk.response.media_types import TEXT
from ropewalk.streaming import stream

if TYPE_CHECKING:
    from ropewalk.response.response import Response

_Lines = list[tuple[str, str]]

_BLOCK: Final = 64 * 1024
_OF_FILE: Final = frozenset(("cache-control", "content-disposition", "etag", "expires", "last-modified"))
"""Fields that an error does not keep."""
_CHANGED: Final = "The file does not meet the conditions of the request.\n"
_BEYOND: Final = "The file has none of the requested ranges.\n"


def send_file(response: "Response", file: OpenFile, request: Request) -> Coroutine[Any, Any, None] | None:
    """Send a file as the body of a response. Return a coroutine that sends the rest of several ranges; otherwise None.

    If the status is 200 and the method is GET or HEAD, then ETag, Last-Modified and Accept-Ranges are added unless they
    are set, and the conditions and ranges in the request are respected. They are not added to `response`, because the
    file may change before the next use.
    """
    lines = response.headers.lines()
    fields = dict(lines)
    modified = fields.get("last-modified")
    if modified is None:
        modified = last_modified(file.modified, request.unix_date)
        if modified is not None:
            lines.append(("last-modified", modified))
    if response.status != 200 or request.method not in ("GET", "HEAD") or "content-range" in fields:
        _respond(request, response.status, lines, file, file.offset, file.size)
        return None
    tag = fields.get("etag")
    if tag is None and file.is_tagged:
        tag = file.tag
        lines.append(("etag", tag))
    if "accept-ranges" not in fields:
        lines.append(("accept-ranges", "bytes"))
    status = evaluate(request.header, tag, modified, request.unix_date)
    if status == 304:
        request.respond(304, Headers.checked(without_content(lines)).encoded(), b"")
        return None
    if status == 412:
        _refuse(request, 412, lines, _CHANGED)
        return None
    wanted = _wanted(request, fields, tag, modified, file.size)
    if wanted is None:
        _respond(request, 200, lines, file, file.offset, file.size)
        return None
    if not wanted:
        _refuse(request, 416, [*lines, ("content-range", unsatisfied(file.size))], _BEYOND)
        return None
    lines = [line for line in lines if line[0] != "content-length"]
    if len(wanted) > 1:
        return _send_parts(response, request, lines, file, wanted)
    (part,) = wanted
    lines.append(("content-range", content_range(part, file.size)))
    try:
        _respond(request, 206, lines, file, file.offset + part.start, part.stop - part.start)
    except WrongLength:  # the handler has not set this length
        raise _truncated() from None
    return None


def _wanted(
    request: Request, fields: dict[str, str], tag: str | None, modified: str | None, size: int
) -> list[ByteRange] | None:
    """The ranges to send. None for the whole file."""
    wanted = request.header("range") if request.method == "GET" else None
    if wanted is None or fields.get("accept-ranges", "bytes") != "bytes":
        return None
    if not range_applies(request.header("if-range"), tag, modified, request.unix_date):
        return None
    return satisfied(wanted, size)


def _respond(request: Request, status: int, lines: _Lines, file: OpenFile, offset: int, size: int) -> None:
    fields = Headers.checked(lines).encoded()
    if file.data is not None:
        request.respond(status, fields, file.data[offset : offset + size])
    else:
        request.respond_file(status, fields, file.fd, offset, size)


def _refuse(request: Request, status: int, lines: _Lines, text: str) -> None:
    """Send an error. It keeps the fields that middleware has added for the client, such as those of CORS."""
    size = [line for line in lines if line[0] == "content-range"]
    kept = [line for line in without_content(lines) if line[0] not in _OF_FILE]
    request.respond(status, Headers.checked([*kept, *size, ("content-type", TEXT)]).encoded(), text)


def _send_parts(
    response: "Response", request: Request, lines: _Lines, file: OpenFile, parts: Sequence[ByteRange]
) -> Coroutine[Any, Any, None]:
    boundary = secrets.token_hex(16)
    frame = multipart(parts, file.size, dict(lines).get("content-type"), boundary)
    lines = [line for line in lines if line[0] != "content-type"]
    lines += [
        ("content-type", f"multipart/byteranges; boundary={boundary}"),
        ("content-length", f"{frame.length}"),
    ]
    partial = copy(response)
    partial.status = 206
    partial.headers = Headers.checked(lines)
    return stream(request, partial, _read(file, parts, frame))


def _read(file: OpenFile, parts: Sequence[ByteRange], frame: Multipart) -> Iterator[bytes]:
    """Yield the parts of a multipart/byteranges body.

    Raises ExchangeError (RW307) if the file has become shorter, which closes the connection.
    """
    for head, (start, stop) in zip(frame.heads, parts, strict=True):
        yield head
        while start < stop:
            block = file.read(start, min(_BLOCK, stop - start))
            if not block:
                raise _truncated()
            start += len(block)
            yield block
    yield frame.end


def _truncated() -> ExchangeError:
    return ExchangeError("RW307", "A file became shorter while it was sent.")
