"""Decompress the body of a response in parts of limited size, so that a small body cannot fill the memory."""

import zlib
from collections.abc import Iterator
from typing import Any, Final

from ropewalk.client.exchange import PART

GZIP: Final = frozenset(("gzip", "x-gzip"))


class GzipDecoder:
    """Decodes gzip (RFC 1952). Raises zlib.error for data that is not gzip."""

    def __init__(self) -> None:
        self._member: Any = None
        """The decoder of the current member: a gzip body is a series of members (RFC 1952, section 2.2). None before
        the first member, and after the end of each member."""
        self._has_ended = False
        """Whether a member has ended. Zeros may follow the last member, as padding."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the decoded parts of some bytes, each of at most 64 KiB."""
        while data:
            if self._member is None:
                if self._has_ended:
                    data = data.lstrip(b"\0")
                    if not data:
                        return
                self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
            part = self._member.decompress(data, PART)
            data = self._member.unconsumed_tail
            if part:
                yield part
            if self._member.eof:
                data = self._member.unused_data
                self._member = None
                self._has_ended = True
        while self._member is not None and (part := self._member.decompress(b"", PART)):
            yield part  # what is left in the decoder's own buffer

    @property
    def complete(self) -> bool:
        """Whether every member that has begun has ended."""
        return self._member is None
