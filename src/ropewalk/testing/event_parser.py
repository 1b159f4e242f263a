"""Parsers for bodies that arrive in parts: text lines, and server-sent events (HTML standard, section 9.2.6)."""

from codecs import getincrementaldecoder
from collections.abc import Iterator

from ropewalk.headers import Headers, content_type
from ropewalk.testing.protocol_error import ProtocolError
from ropewalk.typed import ServerSentEvent


class LineParser:
    """Splits UTF-8 text into lines. A line ends with LF, with CR LF, or at the end of the body.

    With `lone_cr`, a CR alone ends a line, too.
    """

    def __init__(self, *, lone_cr: bool = False) -> None:
        self._decoder = getincrementaldecoder("utf-8")()
        self._lone_cr = lone_cr
        self._pieces: list[str] = []
        """The pieces of the line whose end has not yet arrived."""
        self._after_cr = False

    def feed(self, data: bytes, *, last: bool = False) -> Iterator[str]:
        """Yield the lines that these bytes complete. Raises ProtocolError for bytes that are not UTF-8."""
        try:
            text = self._decoder.decode(data, final=last)
        except UnicodeDecodeError as error:
            raise ProtocolError(f"The body is not UTF-8: {error}.") from None
        if self._after_cr and text:  # a CR and its LF may arrive in separate parts
            self._after_cr = False
            if self._lone_cr:
                text = text.removeprefix("\n")
            else:
                text = f"\r{text}"
        if text.endswith("\r") and not last:
            self._after_cr = True
            if not self._lone_cr:
                text = text[:-1]
        text = text.replace("\r\n", "\n")
        if self._lone_cr:
            text = text.replace("\r", "\n")
        *ended, begun = text.split("\n")
        for line in ended:
            yield "".join([*self._pieces, line])
            self._pieces.clear()
        if begun:
            self._pieces.append(begun)
        if last and self._pieces:
            yield "".join(self._pieces)
            self._pieces.clear()


class EventParser:
    """Parses server-sent events. Comments, and events without data, are ignored, as in a browser."""

    def __init__(self) -> None:
        self._lines = LineParser(lone_cr=True)
        self._first = True
        self._data: list[str] = []
        self._fields: dict[str, str] = {}

    def feed(self, data: bytes, *, last: bool = False) -> Iterator[ServerSentEvent]:
        """Yield the events that these bytes complete. An event is complete after its blank line."""
        for line in self._lines.feed(data, last=last):
            if self._first:
                self._first = False
                line = line.removeprefix("\ufeff")
            if line:
                self._take(line)
            elif self._data:
                yield self._event()
            else:
                self._fields.clear()

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event" or (name == "id" and "\0" not in value) or (name == "retry" and _is_number(value)):
            self._fields[name] = value

    def _event(self) -> ServerSentEvent:
        fields = self._fields
        event = ServerSentEvent(
            data="\n".join(self._data),
            event=fields.get("event"),
            id=fields.get("id"),
            retry=int(fields["retry"]) if "retry" in fields else None,
        )
        self._data = []
        self._fields = {}
        return event


def check_events(status: int, headers: Headers) -> None:
    """Raises ProtocolError for a response that a browser does not accept as an event stream."""
    kind = content_type(headers.get("content-type"))[0]
    if status != 200 or kind != "text/event-stream":
        raise ProtocolError(
            f"An event stream has status 200 and the type text/event-stream, not {status} and {kind!r}."
        )


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 15
