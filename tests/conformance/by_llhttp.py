"""Reads requests with llhttp, Node's parser, through httptools."""

import httptools
from tests.conformance.reading import Message, Reading


class Listener:
    """Records one message."""

    def __init__(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.message: Message | None = None
        self.complete = False
        self.persists = False
        self._target = b""
        self._lines: list[tuple[bytes, bytes]] = []

    def on_url(self, part: bytes) -> None:
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self._lines.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()
        self.message = Message(self.parser.get_method(), self._target, version, self._lines)
        # llhttp prefers keep-alive to close in HTTP/1.0, but close has priority (RFC 9112, section 9.3).
        self.persists = self.parser.should_keep_alive() and not self.message.has_option(b"close")
        self._lines = []

    def on_body(self, part: bytes) -> None:
        assert self.message is not None
        self.message.body += part

    def on_message_complete(self) -> None:
        assert self.message is not None
        self.message.trailers = self._lines
        self.message.complete = self.complete = True


def read(data: bytes) -> Reading:
    """The requests in the data. llhttp gets it byte by byte, because it does not report where a message ends."""
    reading = Reading([], "open")
    listener = Listener()
    for at in range(len(data)):
        try:
            listener.parser.feed_data(data[at : at + 1])
        except httptools.HttpParserUpgrade:
            pass  # a CONNECT request, which is complete
        except httptools.HttpParserError as error:
            reading.ending, reading.why = "refused", str(error)
            break
        if listener.complete:
            assert listener.message is not None
            reading.messages.append(listener.message)
            reading.starts.append(at + 1)
            if not listener.persists:
                reading.ending = "closed"
                break
            listener = Listener()
    if listener.message and not listener.complete:
        reading.messages.append(listener.message)
    return reading
