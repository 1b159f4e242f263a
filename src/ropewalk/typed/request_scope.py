"""What a request has opened: generators of its dependencies, closed when its response has ended.

They are closed when both the response has ended and no code of the handler runs any more: neither the handler nor the
stream that it returned.
"""

from collections.abc import AsyncGenerator, Awaitable, Generator
from inspect import iscoroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ropewalk.errors import CATALOGUE, LATE_REMEDY, Disconnected, HandlerError, named, shown, visible
from ropewalk.request import Request
from ropewalk.response import Response
from ropewalk.tracebacks import shown_failure
from ropewalk.typed.depends import Provider
from ropewalk.typed.generators import close_async_generator, close_generator, open_async_generator, open_generator
from ropewalk.typed.scoped_parts import ScopedAsyncParts, ScopedParts

log = Logger(namespace="ropewalk.handlers")

AnyGenerator = Generator[Any, Any, Any] | AsyncGenerator[Any, Any]


class RequestScope:
    """The generators that one request has opened."""

    __slots__ = ("_ended", "_error", "_opened", "_request", "_running", "closed")

    def __init__(self, request: Request) -> None:
        self._request = request
        self._opened: list[tuple[AnyGenerator, Provider]] = []
        self._running = 1  # the handler; and each stream that has begun
        self._ended = False
        self._error: BaseException | None = None
        self.closed = False

    def open(self, generator: Generator[Any, Any, Any], provider: Provider) -> Any:
        """The value that a generator yields."""
        value = open_generator(generator, provider)
        self._keep(generator, provider)
        return value

    async def open_async(self, generator: AsyncGenerator[Any, Any], provider: Provider) -> Any:
        """The value that an async generator yields."""
        value = await open_async_generator(generator, provider)
        self._keep(generator, provider)
        return value

    def watch(self, value: Any) -> Any:
        """Note the end of a handler that has returned this value. Returns what to respond with in its place."""
        if iscoroutine(value):
            return self._watch_coroutine(value)
        if isinstance(value, Deferred):
            return value.addCallbacks(self.watch, self._watch_failure)
        watched = self._watch_stream(value)
        self.end()
        return watched

    def begin(self) -> None:
        """A stream begins. Raises Disconnected if it is too late."""
        if self.closed:
            raise Disconnected
        self._running += 1

    def fail(self, error: BaseException) -> None:
        """The request has failed with an exception. The first one counts."""
        if self._error is None:
            self._error = error

    def end(self) -> None:
        """The handler or a stream has ended."""
        self._running -= 1
        self._close_if_over()

    def _keep(self, generator: AnyGenerator, provider: Provider) -> None:
        self._opened.append((generator, provider))
        if len(self._opened) == 1:
            self._request.dependency_scope = self
            self._request.disconnected.addCallback(self._response_ended)

    def _response_ended(self, _: Any) -> None:
        self._ended = True
        self._close_if_over()

    async def _watch_coroutine(self, value: Awaitable[Any]) -> Any:
        try:
            result = await value
        except BaseException as error:
            self.fail(error)
            self.end()
            raise
        return self.watch(result)

    def _watch_failure(self, failure: Failure) -> Failure:
        if failure.value is not None:
            self.fail(failure.value)
        self.end()
        return failure

    def _watch_stream(self, value: Any) -> Any:
        if isinstance(value, Response):
            body = self._watch_stream(value.body)
            if body is not value.body:
                value = value.detached()
                value.body = body
            return value
        if hasattr(value, "__aiter__"):
            return ScopedAsyncParts(self, value)
        return ScopedParts(self, value) if hasattr(value, "__next__") else value

    def _close_if_over(self) -> None:
        if self.closed or not self._ended or self._running or not self._opened:
            return
        self.closed = True
        request, error = self._request, self._error
        if error is None and request.gone:
            error = Disconnected()
        self._error = None
        if getattr(request, "dependency_scope", None) is self:  # a middleware may call the handler twice
            del request.dependency_scope
        if any(isinstance(generator, AsyncGenerator) for generator, _ in self._opened):
            request.service.app.cleanups.run(self._close_async(error))
            return
        while self._opened:
            generator, provider = self._opened.pop()
            assert isinstance(generator, Generator)
            self._report(close_generator(generator, provider, error), error, provider)

    async def _close_async(self, error: BaseException | None) -> None:
        while self._opened:
            generator, provider = self._opened.pop()
            if isinstance(generator, AsyncGenerator):
                raised = await close_async_generator(generator, provider, error)
            else:
                raised = close_generator(generator, provider, error)
            self._report(raised, error, provider)

    def _report(self, raised: BaseException | None, error: BaseException | None, provider: Provider) -> None:
        """Log what a provider raised when it was closed, unless it only raises the error of the request again."""
        if raised is None or raised is error:
            return
        code = raised.code if isinstance(raised, HandlerError) else "RW208"
        log.failure(
            "{code} {method} {path}: {who} raised {error} when it was closed. {remedy}",
            shown_failure(raised),
            code=code,
            method=self._request.method,
            path=self._request.raw_path.decode("ascii"),
            who=named(provider),
            error=visible(shown(raised)),
            remedy=LATE_REMEDY if code == "RW208" else CATALOGUE[code].remedy,
        )
