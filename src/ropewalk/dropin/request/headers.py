"""Request headers as a `Headers` object of twisted.web that reads them from the engine on demand."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, AnyStr, Final, Protocol, TypeVar, overload

from twisted.web.http_headers import Headers

from ropewalk.twisted_private import name_encoder as _encoder

Default = TypeVar("Default")

_canonical_names: Final[Mapping[bytes | str, bytes]] = getattr(_encoder, "_canonicalHeaderCache", {})
"""The cache of Twisted's encoder: the canonical form of each name that was encoded."""


class HeadSource(Protocol):
    """The head of a request, as the engine provides it."""

    def values(self, name: bytes, /) -> list[bytes]:
        """Return the values of all field lines with this name, in order. Case does not matter."""

    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """Return all field lines in order, with names in lower case."""


class ReceivedHeaders(Headers):
    """Headers that read the field lines of one name at a time from the engine. Any change reads all lines first.

    They behave like a `Headers` object to which the channel has added each line.
    """

    __slots__ = ("_lines", "source")

    def __init__(self, source: HeadSource) -> None:
        self.source: HeadSource | None = source
        """The head from which lines can be read; None after all lines were read."""
        self._lines: dict[bytes, list[bytes]] = {}
        """The values of the lines that were read, by name. Programs get these lists, and may change them."""

    @property
    def _rawHeaders(self) -> dict[bytes, list[bytes]]:  # the attribute that twisted.web's Headers uses
        source = self.source
        if source is not None:
            self.source = None
            self._fill(source)
        return self._lines

    @_rawHeaders.setter
    def _rawHeaders(self, lines: dict[bytes, list[bytes]]) -> None:
        self.source = None
        self._lines = lines

    def _fill(self, source: HeadSource) -> None:
        lines: dict[bytes, list[bytes]] = {}
        for lower, value in source.raw_headers():
            name = _encoder.encode(lower)
            if name in lines:
                lines[name].append(value)
            else:
                lines[name] = [value]
        lines.update(self._lines)  # keep the lists that were returned to programs
        self._lines = lines

    @overload
    def getRawHeaders(self, name: AnyStr) -> Sequence[AnyStr] | None: ...

    @overload
    def getRawHeaders(self, name: AnyStr, default: Default) -> Sequence[AnyStr] | Default: ...

    def getRawHeaders(self, name: Any, default: Any = None) -> Any:
        """Return the values of all field lines with this name, in the type of the name; `default` if there are none."""
        canonical = _canonical_names.get(name) or _encoder.encode(name)
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

    def source_of(self, *names: bytes) -> HeadSource | None:
        """Return the head, or None if a program has read lines with one of these names.

        The program may have changed these lines. The names must be in canonical form.
        """
        for name in names:
            if name in self._lines:
                return None
        return self.source

    def hasHeader(self, name: AnyStr) -> bool:
        """Whether there is a field line with this name."""
        if self.source is None:
            return super().hasHeader(name)
        return bool(self.source.values(_encoder.encode(name)))

    def copy(self) -> Headers:
        """Return a `Headers` with the same lines."""
        return Headers(self._rawHeaders)

    def __repr__(self) -> str:
        return f"Headers({self._rawHeaders!r})"


def add_lines(request: Any, source: HeadSource) -> None:
    """Add each field line of a head to a request. As in Twisted, `requestHeaders` is read for each line."""
    for name, value in source.raw_headers():
        request.requestHeaders.addRawHeader(name, value)


def headers_of(pairs: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Make headers from names and values that a program gives. Values are sanitized, as Twisted does."""
    headers = Headers()
    for name, value in pairs:
        headers.addRawHeader(name, value)
    return headers
