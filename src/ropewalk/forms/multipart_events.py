"""Parse a form of the type `multipart/form-data` (RFC 7578), part by part, as its bytes arrive.

The package `multipart` parses the body. This module refuses what the package accepts although forms must not have it,
and converts the errors of the package to responses.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final

from ropewalk._engine import BoundaryFinder
from ropewalk.errors import BadBody, BodyTooLarge, HandlerError, install_remedy
from ropewalk.forms.limits import FormLimits

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_NAMING: Final = re.compile(r";[ \t]*(name|filename)[ \t]*=", re.IGNORECASE)
_PLAIN_ENCODINGS: Final = ("7bit", "8bit", "binary")
_TOO_LARGE: Final = "A header line of a part of the form is too large, or a part has too many header lines."


class MissingMultipart(HandlerError, ImportError):
    """RW278: the package that parses multipart forms is not installed."""


@dataclass(frozen=True, slots=True)
class PartHead:
    """The header of a part."""

    name: str
    """The name of the field."""
    filename: str | None
    """The name of the file, without folders; None if the part is not a file."""
    content_type: str
    """The media type in lower case, without parameters. The default is that of RFC 7578, section 4.4."""
    charset: str | None
    """The charset in the Content-Type of the part; None without one."""
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    """The header lines: name in lower case, and value."""


Event = PartHead | bytes | None
"""The header of a part, then pieces of its content, then None at its end."""


class MultipartEvents:
    """Converts the parts of a body to events. Raises BadBody (400) and BodyTooLarge (413)."""

    def __init__(self, boundary: str, limits: FormLimits) -> None:
        self._library = load_multipart()
        self._limits = limits
        self._boundary = boundary.encode("ascii")
        self._parser = self._library.PushMultipartParser(
            boundary,
            max_header_size=limits.header_limit,
            max_segment_count=limits.part_limit,
        )
        self._finder = BoundaryFinder(b"\r\n--" + self._boundary)
        self._in_content = False
        """Whether the bytes so far end in the content of a part, and not with bytes that may begin a boundary."""
        self._begin = b""
        """The first bytes of the body, until they are enough to tell whether it begins with the boundary."""
        self._begun = False
        self._most = 0
        self._what = ""
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Event]:
        """Yield the events for the next bytes. Read all of these events before you give the next bytes."""
        if not self._begun:
            data = self._begin + data
            if not self._begins(data):
                self._begin = data
                return
            self._begun, self._begin = True, b""
        if self._in_content and self._finder.is_content(data):
            # The parser would search these bytes for the boundary again, and return them unchanged. It would take more
            # time.
            if data:
                self._count(data)
                yield data
            return
        event: Any = None
        try:
            for event in self._parser.parse(data):
                if event.__class__ is bytes:
                    self._count(event)
                    yield event
                elif event is None:
                    yield None
                else:
                    head = self._head(event)
                    is_file = head.filename is not None
                    self._size = 0
                    self._what = "A file" if is_file else "A field"
                    most = self._limits.file_limit if is_file else self._limits.field_limit
                    self._most = -1 if most is None else most
                    yield head
            self._in_content = event is not None and self._finder.is_content(data[-len(self._boundary) - 5 :])
        except self._library.MultipartError as error:
            raise self._converted(error) from None

    def end(self) -> None:
        """Check that the body is complete. Raises BadBody."""
        try:
            self._parser.close()
        except self._library.MultipartError:
            raise BadBody("The form is incomplete: its last boundary is missing.") from None

    def _begins(self, data: bytes) -> bool:
        """Whether a body begins with its boundary. False if more bytes are needed to tell.

        Text before the first boundary is refused, because no client of a form sends it.
        """
        wanted = b"--" + self._boundary
        given = data.removeprefix(b"\r\n") if len(data) >= len(b"\r\n") else b""
        if given[: len(wanted)] == wanted:
            return True
        if not wanted.startswith(given) or (not given and data[:1] not in (b"", b"\r", b"-")):
            raise BadBody("The form does not begin with its boundary.")
        return False

    def _count(self, data: bytes) -> None:
        self._size += len(data)
        if 0 <= self._most < self._size:
            raise BodyTooLarge(f"{self._what} of the form is larger than {self._most} bytes.")

    def _head(self, segment: Any) -> PartHead:
        headers = tuple((name.lower(), value) for name, value in segment.headerlist)
        names = [name for name, _ in headers]
        for each in ("content-disposition", "content-type", "content-transfer-encoding"):
            if names.count(each) > 1:
                raise BadBody(f"A part of the form has several header fields {each}.")
        if any(_CONTROL.search(value.replace("\t", " ")) for _, value in headers):
            raise BadBody("A header line of a part of the form has control characters.")
        encoding = dict(headers).get("content-transfer-encoding", "binary").strip().lower()
        if encoding not in _PLAIN_ENCODINGS:  # RFC 7578, section 4.7
            raise BadBody("A part of the form has a Content-Transfer-Encoding, which forms must not have.")
        kind = (segment.content_type or "").strip()
        if kind.startswith("multipart/"):  # RFC 7578, section 4.3
            raise BadBody("A part of the form is itself a multipart body.")
        name, filename = segment.name, segment.filename
        if not name:
            raise BadBody("A part of the form has no name.")
        if _names_twice(dict(headers)["content-disposition"]):  # parsers disagree about which one counts
            raise BadBody("A part of the form has several names.")
        for text in (name, filename or ""):
            if len(text.encode("utf-8", "surrogatepass")) > self._limits.name_limit:
                raise BodyTooLarge(f"A name in the form is larger than {self._limits.name_limit} bytes.")
            if _CONTROL.search(text):
                raise BadBody("A name in the form has control characters.")
        is_file = filename is not None
        return PartHead(
            name=name,
            filename=_last_part(filename) if is_file else None,
            content_type=kind or ("application/octet-stream" if is_file else "text/plain"),
            charset=segment.charset,
            headers=headers,
        )

    def _converted(self, error: Any) -> BadBody | BodyTooLarge:
        """The response for an error of the parser."""
        if isinstance(error, self._library.ParserLimitReached):
            if "segment count" in str(error):
                return BodyTooLarge(f"The form has more than {self._limits.part_limit} parts.")
            return BodyTooLarge(_TOO_LARGE)
        return BadBody(f"The form is malformed: {str(error.args[0]).lower()}.")


def load_multipart() -> Any:
    """Import the package `multipart`. Raises MissingMultipart (RW278) if it is not installed."""
    try:
        library = import_module("multipart")
        if hasattr(library, "PushMultipartParser"):
            return library
    except ImportError as error:
        raise _missing() from error
    raise _missing()


def _missing() -> MissingMultipart:
    return MissingMultipart(
        "RW278", "Forms with files need multipart 2, which is not installed.", install_remedy("forms")
    )


def _names_twice(disposition: str) -> bool:
    """Whether a Content-Disposition has the parameter `name` or `filename` twice (RFC 6266, section 4.1)."""
    if disposition.lower().count("name") < 2:
        return False
    found = [each.lower() for each in _NAMING.findall(_QUOTED.sub("", disposition))]
    return len(found) != len(set(found))


def _last_part(filename: str) -> str:
    """The file name without folders, whether they are written as on Unix or as on Windows (RFC 7578, section 4.2)."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    return "" if name in (".", "..") else name
