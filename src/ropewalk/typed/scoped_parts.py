"""Iterate over the parts of a stream that a handler with dependencies has returned, and keep the dependencies open.

Dependencies with the scope "handler" are closed after the last part, before the end of the response is sent. If a
dependency raises an exception when it is closed, the response is cut off.
"""

from typing import TYPE_CHECKING, Any

from ropewalk.streaming import close_parts

if TYPE_CHECKING:
    from ropewalk.typed.dependency_cleanup import OpenGenerators


class ScopedParts:
    """An iterator over the parts of a stream. While it runs, the request's dependencies stay open."""

    def __init__(self, opened: "OpenGenerators", parts: Any) -> None:
        self._opened = opened
        self._source = self._parts = parts
        self._runs = False
        self._over = False

    @property
    def trailers(self) -> Any:
        return getattr(self._source, "trailers", None)

    def __iter__(self) -> "ScopedParts":
        return self

    def __next__(self) -> Any:
        self._begin()
        try:
            return next(self._parts)
        except BaseException as error:
            raised = self._opened.close(None if isinstance(error, StopIteration) else error)
            self._end(raised)
            if raised is None or raised is error:
                raise
        try:
            raise raised
        finally:
            del raised

    def close(self) -> None:
        try:
            if hasattr(self._parts, "close"):
                self._parts.close()
        except BaseException as error:
            self._end(error)
            raise
        self._end(None)

    def _begin(self) -> None:
        if not self._runs:
            self._opened.begin()
            self._runs = True

    def _end(self, error: BaseException | None) -> None:
        if error is not None:
            self._opened.fail(error)
        if self._runs and not self._over:
            self._over = True
            self._opened.end()


class ScopedAsyncParts(ScopedParts):
    """Like `ScopedParts`, for an async iterator of parts."""

    __iter__ = None  # type: ignore[assignment] # it is an async iterator only
    __next__ = None  # type: ignore[assignment]
    close = None  # type: ignore[assignment]

    def __aiter__(self) -> "ScopedAsyncParts":
        return self

    async def __anext__(self) -> Any:
        if not self._runs:
            self._parts = aiter(self._parts)
        self._begin()
        try:
            return await anext(self._parts)
        except BaseException as error:
            raised = await self._opened.close_later(None if isinstance(error, StopAsyncIteration) else error)
            self._end(raised)
            if raised is None or raised is error:
                raise
        try:
            raise raised
        finally:
            del raised

    async def aclose(self) -> None:
        try:
            await close_parts(self._parts)
        except BaseException as error:
            self._end(error)
            raise
        self._end(None)


class ScopedPartsInTurn(ScopedAsyncParts):
    """Like `ScopedParts`, for a request with an async dependency, which must be awaited when it is closed after the
    parts."""

    async def __anext__(self) -> Any:
        if not self._runs:
            self._parts = _InTurn(self._parts)
        return await super().__anext__()


class _InTurn:
    """Converts an iterator to an async iterator."""

    def __init__(self, parts: Any) -> None:
        self._parts = parts

    def __aiter__(self) -> "_InTurn":
        return self

    async def __anext__(self) -> Any:
        for part in self._parts:
            return part
        raise StopAsyncIteration

    async def aclose(self) -> None:
        await close_parts(self._parts)
