"""The headers of a request as twisted.web's `Headers`, read from the engine when somebody asks."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, AnyStr, Final, Protocol, TypeVar, overload

from twisted.web.http_headers import Headers

from ropewalk.twisted_private import name_encoder as _encoder

Default = TypeVar("Default")

_written: Final[Mapping[bytes | str, bytes]] = getattr(_encoder, "_canonicalHeaderCache", {})
"""What it has written already."""


class Received(Protocol):
    """The head of a request that the engine has read."""

    def values(self, name: bytes, /) -> list[bytes]:
        """The value of each line of this name, whatever its case, in order."""

    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """Every line in order, names in lower case."""


class ReceivedHeaders(Headers):
    """Headers that ask the engine for one name at a time; who asks for all of them, or changes them, has them filled.

    Otherwise like a `Headers` that the channel has filled line by line.
    """

    __slots__ = ("_lines", "source")

    def __init__(self, source: Received) -> None:
        self.source: Received | None = source
        """Where the lines are to be had; None when all are here."""
        self._lines: dict[bytes, list[bytes]] = {}
        """Those that are here by name. A reader who changes a list that it was given changes the headers."""

    @property
    def _rawHeaders(self) -> dict[bytes, list[bytes]]:  # what Headers and others work on
        source = self.source
        if source is not None:
            self.source = None
            self._fill(source)
        return self._lines

    @_rawHeaders.setter
    def _rawHeaders(self, lines: dict[bytes, list[bytes]]) -> None:
        self.source = None
        self._lines = lines

    def _fill(self, source: Received) -> None:
        lines: dict[bytes, list[bytes]] = {}
        for lower, value in source.raw_headers():
            name = _encoder.encode(lower)
            if name in lines:
                lines[name].append(value)
            else:
                lines[name] = [value]
        lines.update(self._lines)  # the lists that readers have been given
        self._lines = lines

    @overload
    def getRawHeaders(self, name: AnyStr) -> Sequence[AnyStr] | None: ...

    @overload
    def getRawHeaders(self, name: AnyStr, default: Default) -> Sequence[AnyStr] | Default: ...

    def getRawHeaders(self, name: Any, default: Any = None) -> Any:
        """The value of each line of this name, in the type of the name; `default` where there is none."""
        canonical = _written.get(name) or _encoder.encode(name)
        values = self._lines.get(canonical)
        if values is None and self.source is not None:
            values = self.source.values(canonical)
            if values:
                self._lines[canonical] = values
        if not values:
            return default
        if isinstance(name, str):
            return [value.decode("utf8") for value in values]
        return values

    def source_of(self, *names: bytes) -> Received | None:
        """The head, where nobody has been given what these lines say, and so could have changed it; names as written
        in canonical form.
        """
        for name in names:
            if name in self._lines:
                return None
        return self.source

    def hasHeader(self, name: AnyStr) -> bool:
        """Whether there is a line of this name."""
        if self.source is None:
            return super().hasHeader(name)
        return bool(self.source.values(_encoder.encode(name)))

    def copy(self) -> Headers:
        """A `Headers` with the same lines."""
        return Headers(self._rawHeaders)

    def __repr__(self) -> str:
        return f"Headers({self._rawHeaders!r})"


def add_lines(request: Any, source: Received) -> None:
    """Give a request each line of a head as Twisted's channel does, who looks up `requestHeaders` for every one."""
    for name, value in source.raw_headers():
        request.requestHeaders.addRawHeader(name, value)


def headers_of(pairs: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Headers that a program has given by name and value, sanitized as Twisted does it."""
    headers = Headers()
    for name, value in pairs:
        headers.addRawHeader(name, value)
    return headers
