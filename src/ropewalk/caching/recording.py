"""Records the parts of a streamed body while they are sent, so that a short stream can be stored."""

from collections.abc import Callable
from typing import Any

from ropewalk.streaming import close_parts
from ropewalk.waiting import ReactorTurn

End = Callable[[list[Any]], None]


def recorded(parts: Any, limit: int, end: End) -> Any:
    """An iterator of the same parts. After the last one, `end` is called with all, unless they have more than `limit`
    bytes or characters."""
    return _AsyncParts(parts, limit, end) if hasattr(parts, "__aiter__") else _Parts(parts, limit, end)


async def drain(parts: Any) -> None:
    """Take all parts, as long as they are recorded."""
    if isinstance(parts, _AsyncParts):
        async for _ in parts:
            if not parts.is_recording:
                return
    elif isinstance(parts, _Parts):
        for _ in parts:
            if not parts.is_recording:
                return
            await ReactorTurn()


class _Recorded:
    __slots__ = ("_end", "_kept", "_left", "_parts")

    def __init__(self, parts: Any, limit: int, end: End) -> None:
        self._parts = parts
        self._left = limit
        self._kept: list[Any] | None = []
        self._end: End | None = end

    @property
    def is_recording(self) -> bool:
        """Whether the parts so far are kept."""
        return self._kept is not None

    def _note(self, part: Any) -> Any:
        if self._kept is not None:
            self._left -= len(part)
            if self._left < 0:
                self._forget()
            else:
                self._kept.append(part)
        return part

    def _ended(self) -> None:
        kept, end = self._kept, self._end
        self._forget()
        if kept is not None and end is not None:
            end(kept)

    def _forget(self) -> None:
        self._kept = self._end = None  # `_end` refers to the response, whose body this is


class _Parts(_Recorded):
    __slots__ = ()

    def __iter__(self) -> "_Parts":
        return self

    def __next__(self) -> Any:
        try:
            return self._note(next(self._parts))
        except StopIteration:
            self._ended()
            raise

    def close(self) -> None:
        self._forget()
        if hasattr(self._parts, "close"):
            self._parts.close()


class _AsyncParts(_Recorded):
    __slots__ = ()

    def __aiter__(self) -> "_AsyncParts":
        return self

    async def __anext__(self) -> Any:
        try:
            return self._note(await anext(self._parts))
        except StopAsyncIteration:
            if self.trailers is None:
                self._ended()
            raise

    @property
    def trailers(self) -> Any:
        return getattr(self._parts, "trailers", None)

    async def aclose(self) -> None:
        self._forget()
        await close_parts(self._parts)
