"""A strict parser for responses (RFC 9112). A malformed response raises ProtocolError, which fails the test."""

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from ropewalk._engine import ContentDecoder
from ropewalk.headers import Headers
from ropewalk.testing.client_response import ClientResponse
from ropewalk.testing.protocol_error import ProtocolError

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2}) ([\t -~\x80-\xff]*)")
_FIELD_LINE: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*", re.DOTALL)
_VALUE: Final = re.compile(rb"[\t -~\x80-\xff]*")
_CHUNK_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,15}")


class ResponseParser:
    """Parses one response from bytes as they arrive.

    `head` is True after the head, and `done` after the end of the response. `parts` has the parts of the body that the
    client has not taken yet.
    """

    def __init__(self, method: str) -> None:
        self.response = ClientResponse(method)
        self.head = False
        self.done = False
        self.parts: list[bytes] = []
        self.rest = b""
        """The bytes that have arrived after the end of the response."""
        self.decodes = False
        """Whether a body with a content coding is decoded. The client has asked for it."""
        self._decoder: ContentDecoder | None = None
        self._decoder_name = ""
        self._method = method
        self._ended = False
        self._buffer = bytearray()
        self._parsing = self._read()
        next(self._parsing)

    def feed(self, data: bytes) -> None:
        """Parse bytes from the server. Raises ProtocolError."""
        self._buffer += data
        self._parse()

    def end(self) -> None:
        """Handle the end of the connection. Raises ProtocolError if the response is incomplete."""
        self._ended = True
        self._parse()
        if not self.done:
            raise ProtocolError("The server closed the connection before its response was complete.")

    def _parse(self) -> None:
        if not self.done:
            try:
                next(self._parsing)
            except StopIteration:
                self.done = True
        if self.done:
            self.rest += bytes(self._buffer)
            self._buffer.clear()

    def _read(self) -> Generator[None, None, None]:
        response = self.response
        yield
        while True:
            version, response.status, response.reason = yield from self._status_line()
            response.http_version = f"1.{version}"
            response.headers = yield from self._fields()
            if response.status >= 200 or response.status == 101:
                break
            response.interim.append((response.status, response.headers))
        self.head = True
        self._choose_decoder()
        if self._method == "HEAD" or response.status in (101, 204, 304):
            return
        codings = response.headers.all("transfer-encoding")
        lengths = response.headers.all("content-length")
        if codings:
            if codings != ["chunked"] or lengths:
                raise ProtocolError(f"The framing is ambiguous: {codings}, {lengths} (RFC 9112, section 6.3).")
            yield from self._chunks()
        elif lengths:
            if len(lengths) != 1 or not lengths[0].isdigit():
                raise ProtocolError(f"The Content-Length is {lengths} (RFC 9112, section 6.3).")
            yield from self._sized(int(lengths[0]))
        else:
            while not self._ended:
                self._take(len(self._buffer))
                yield
        if self._decoder is not None:
            with _failing(self._decoder_name):
                self._decoder.finish()

    def _choose_decoder(self) -> None:
        """Set the decoder for the body.

        A body with another coding, or with several, stays as it was sent. So does that of a 206, which is a part of the
        encoded content.
        """
        codings = self.response.headers.all("content-encoding")
        if self.decodes and codings and self.response.status != 206:
            self._decoder_name = ", ".join(codings)
            with suppress(ValueError):
                self._decoder = ContentDecoder(self._decoder_name)

    def _status_line(self) -> Generator[None, None, tuple[int, int, str]]:
        line = yield from self._line()
        match = _STATUS_LINE.fullmatch(line)
        if match is None:
            raise ProtocolError(f"{line!r} is not a status line (RFC 9112, section 4).")
        return int(match[1]), int(match[2]), match[3].decode("latin-1")

    def _fields(self) -> Generator[None, None, Headers]:
        fields = Headers()
        while line := (yield from self._line()):
            match = _FIELD_LINE.fullmatch(line)
            if match is None or not _VALUE.fullmatch(match[2]):
                raise ProtocolError(f"{line!r} is not a field line (RFC 9112, section 5).")
            fields.add(match[1].decode("ascii"), match[2])
        return fields

    def _chunks(self) -> Generator[None, None, None]:
        while True:
            line = yield from self._line()
            if not _CHUNK_SIZE.fullmatch(line):
                raise ProtocolError(f"{line!r} is not the size of a chunk (RFC 9112, section 7.1).")
            size = int(line, 16)
            if not size:
                self.response.trailers = yield from self._fields()
                return
            yield from self._sized(size)
            if (yield from self._line()):
                raise ProtocolError("A chunk is longer than its size (RFC 9112, section 7.1).")

    def _sized(self, size: int) -> Generator[None, None, None]:
        while size:
            taken = self._take(min(size, len(self._buffer)))
            size -= taken
            if size:
                yield from self._more()

    def _line(self) -> Generator[None, None, bytes]:
        while (end := self._buffer.find(b"\r\n")) < 0:
            yield from self._more()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _more(self) -> Generator[None, None, None]:
        if self._ended:
            raise ProtocolError("The server closed the connection in the middle of its response.")
        yield

    def _take(self, size: int) -> int:
        if size:
            part = bytes(self._buffer[:size])
            del self._buffer[:size]
            self.response.encoded_size += size
            if self._decoder is not None:
                with _failing(self._decoder_name):
                    part = self._decoder.decode(part)
            if part:
                self.parts.append(part)
        return size


@contextmanager
def _failing(coding: str) -> Iterator[None]:
    """Turn the error of a decoder into a ProtocolError."""
    try:
        yield
    except ValueError as error:
        raise ProtocolError(f"The body has the Content-Encoding {coding}, and cannot be decoded: {error}") from error
