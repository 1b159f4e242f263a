"""Parsers of bodies that arrive in parts: lines of text, and server-sent events (HTML, section 9.2.6)."""

from codecs import getincrementaldecoder
from collections.abc import Iterator

from ropewalk.headers import Headers, content_type
from ropewalk.testing.protocol_error import ProtocolError
from ropewalk.typed import ServerSentEvent


class LineParser:
    """Lines of UTF-8, which end with LF, CR LF, or at the end of the body. With `lone_cr`, CR alone ends one, too."""

    def __init__(self, *, lone_cr: bool = False) -> None:
        self._decoder = getincrementaldecoder("utf-8")()
        self._lone_cr = lone_cr
        self._pieces: list[str] = []
        """Those of the line that has begun."""
        self._after_cr = False

    def feed(self, data: bytes, *, last: bool = False) -> Iterator[str]:
        """The lines that are complete with these bytes. Raises ProtocolError for bytes that are not UTF-8."""
        try:
            text = self._decoder.decode(data, final=last)
        except UnicodeDecodeError as error:
            raise ProtocolError(f"The body is not UTF-8: {error}.") from None
        if self._after_cr and text:  # the parts of a line end may come apart
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
    """Events as they were sent. Comments, and blocks without data, are left out, as a browser does."""

    def __init__(self) -> None:
        self._lines = LineParser(lone_cr=True)
        self._first = True
        self._data: list[str] = []
        self._fields: dict[str, str] = {}

    def feed(self, data: bytes, *, last: bool = False) -> Iterator[ServerSentEvent]:
        """The events that are complete with these bytes. One that has no blank line after it is not complete."""
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
    """Raises ProtocolError for a response that a browser does not take for a stream of events."""
    kind = content_type(headers.get("content-type"))[0]
    if status != 200 or kind != "text/event-stream":
        raise ProtocolError(f"A stream of events is a 200 of type text/event-stream, not a {status} of type {kind!r}.")


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 15
