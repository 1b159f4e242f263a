"""Keep the generators that provide a request's dependencies, and close them with the handler, or after the response.

| dependency scope | closed |
|---|---|
| handler | when the handler and its stream have ended, before the response ends; an exception becomes the response |
| request | when the response has ended, too; an exception is logged |

If the client has disconnected, or a stream was not sent to its end, generators with the scope "handler" are closed like
those with the scope "request".
"""

from asyncio import CancelledError
from collections.abc import AsyncGenerator, Awaitable, Generator, Iterator
from inspect import isawaitable
from typing import Any, Final, NamedTuple

from twisted.internet.defer import CancelledError as DeferredCancelled
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ropewalk.awaited_truth import is_coroutine
from ropewalk.errors import CATALOGUE, LATE_REMEDY, Disconnected, HandlerError, named, shown, visible
from ropewalk.request import Request
from ropewalk.response import Response
from ropewalk.tracebacks import shown_failure
from ropewalk.typed.depends import Provider
from ropewalk.typed.generators import close_async_generator, close_generator, open_async_generator, open_generator
from ropewalk.typed.scoped_parts import ScopedAsyncParts, ScopedParts, ScopedPartsInTurn
from ropewalk.typed.value_shapes import Shape

log = Logger(namespace="ropewalk.handlers")

AnyGenerator = Generator[Any, Any, Any] | AsyncGenerator[Any, Any]

_DEPARTURES: Final = (CancelledError, DeferredCancelled, Disconnected)


class OpenGenerator(NamedTuple):
    """A generator that a request has opened."""

    generator: AnyGenerator
    provider: Provider
    of_handler: bool


class OpenGenerators:
    """The open generators of one request."""

    __slots__ = ("_ended", "_error", "_finish", "_is_noted", "_opened", "_request", "_running", "closed", "values")

    def __init__(self, request: Request, finish: Shape | None = None) -> None:
        self._request = request
        self._finish = finish
        self._opened: list[OpenGenerator] = []
        self._running = 1  # how many are running: the handler, functions of middleware, and streams
        self._ended = False
        self._error: BaseException | None = None
        self._is_noted = False
        self.closed = False
        self.values: dict[Any, Any] | None = None
        """The values of providers that functions of middleware and the handler share; None if nothing is shared."""

    @classmethod
    def shared(cls, request: Request) -> "OpenGenerators":
        """The OpenGenerators that functions of middleware share with the handler of a request. Call `end` when such a
        function has ended."""
        found = getattr(request, "dependency_scope", None)
        if isinstance(found, cls) and found.values is not None and not found.closed:
            found.begin()
            return found
        scope = cls(request)
        scope.values = {}
        scope._note()
        return scope

    @classmethod
    def of_handler(cls, request: Request, finish: Shape | None) -> "OpenGenerators":
        """The OpenGenerators for a handler. If middleware has made a shared OpenGenerators for the request, it is
        returned."""
        found = getattr(request, "dependency_scope", None)
        if not isinstance(found, cls) or found.values is None or found.closed:
            return cls(request, finish)
        found.join(finish)
        return found

    def open(self, generator: Generator[Any, Any, Any], provider: Provider, *, of_handler: bool) -> Any:
        """Open a generator, and return the value that it yields."""
        value = open_generator(generator, provider)
        self._keep(OpenGenerator(generator, provider, of_handler))
        return value

    async def open_async(self, generator: AsyncGenerator[Any, Any], provider: Provider, *, of_handler: bool) -> Any:
        """Open an async generator, and return the value that it yields."""
        value = await open_async_generator(generator, provider)
        self._keep(OpenGenerator(generator, provider, of_handler))
        return value

    def watch(self, value: Any) -> Any:
        """Close the handler's generators when the handler, which has returned `value`, has ended. Return the value to
        use instead."""
        if isinstance(value, Deferred):
            if self.closes_later:
                return self._watch_awaitable(value)
            return value.addCallbacks(self.watch, self._watch_failure)
        if is_coroutine(value) or (self._finish is not None and isawaitable(value)):
            return self._watch_awaitable(value)
        if self.closes_later:
            return self._end_later(value)
        try:
            watched, is_stream = self._finished(value)
            raised = None if is_stream else self.close(None)
        except BaseException as error:
            raised = self.end_failed(error)
            if raised is error:
                raise
        else:
            if raised is None:
                self.end()
                return watched
            raised = self.end_failed(raised)
        try:
            raise raised  # outside of `except`, so that the handler's error does not become its context
        finally:
            del raised

    @property
    def closes_later(self) -> bool:
        """Whether a generator of the handler is async, so that closing it must be awaited."""
        return any(each.of_handler and isinstance(each.generator, AsyncGenerator) for each in self._opened)

    def close(self, error: BaseException | None) -> BaseException | None:
        """Close the handler's generators after the handler has ended, with an error or without.

        Return the error with which the request continues: the last error that a generator has raised, or else the
        handler's error.
        """
        for opened in self._take_of_handler(error):
            assert isinstance(opened.generator, Generator)
            error = close_generator(opened.generator, opened.provider, error) or error
        return error

    async def close_later(self, error: BaseException | None) -> BaseException | None:
        """Like `close`, if some of the generators are async."""
        for opened in self._take_of_handler(error):
            if isinstance(error, GeneratorExit):  # this coroutine is being closed, so it cannot await
                self._opened.append(opened)
                break
            if isinstance(opened.generator, AsyncGenerator):
                error = await close_async_generator(opened.generator, opened.provider, error) or error
            else:
                error = close_generator(opened.generator, opened.provider, error) or error
        return error

    def join(self, finish: Shape | None) -> None:
        """Record that the handler begins, and set `finish`."""
        self.begin()
        self._finish = finish

    def begin(self) -> None:
        """Record that a stream, a function of middleware or the handler begins. Raises Disconnected if the generators
        are closed already.
        """
        if self.closed:
            raise Disconnected
        self._running += 1

    def fail(self, error: BaseException) -> None:
        """Record that the request has failed with an exception. Only the first exception is kept."""
        if self._error is None and not self.closed:
            self._error = error

    def end(self) -> None:
        """Record that a stream, a function of middleware or the handler has ended."""
        self._running -= 1
        self._close_if_over()

    def end_failed(self, error: BaseException) -> BaseException:
        """Record that the handler has ended with an error. Return the error to raise instead."""
        raised = error if self.closes_later else self.close(error) or error
        self.fail(raised)
        self.end()
        return raised

    def _take_of_handler(self, error: BaseException | None) -> Iterator[OpenGenerator]:
        """Remove and yield the handler's generators, the last one first.

        If the client has disconnected, yield none, because they are then closed after the response.
        """
        if isinstance(error, GeneratorExit) or (self._request.gone and isinstance(error, _DEPARTURES)):
            return
        for opened in [each for each in reversed(self._opened) if each.of_handler]:
            self._opened.remove(opened)
            yield opened

    def _keep(self, opened: OpenGenerator) -> None:
        self._opened.append(opened)
        if not self._is_noted:
            self._note()

    def _note(self) -> None:
        self._is_noted = True
        self._request.dependency_scope = self
        self._request.disconnected.addCallback(self._response_ended)

    def _response_ended(self, _: Any) -> None:
        self._ended = True
        self._close_if_over()

    async def _watch_awaitable(self, value: Awaitable[Any]) -> Any:
        try:
            result = await value
        except BaseException as error:
            raised = await self._end_failed_later(error)
            if raised is error:
                raise
        else:
            return self.watch(result)
        try:
            raise raised  # outside of `except`, so that the handler's error does not become its context
        finally:
            del raised

    async def _end_later(self, value: Any) -> Any:
        """Like `watch`, for generators whose closing must be awaited."""
        try:
            watched, is_stream = self._finished(value)
            raised = None if is_stream else await self.close_later(None)
        except BaseException as error:
            raised = await self._end_failed_later(error)
            if raised is error:
                raise
        else:
            if raised is None:
                self.end()
                return watched
            raised = self.end_failed(raised)
        try:
            raise raised  # outside of `except`, so that the handler's error does not become its context
        finally:
            del raised

    async def _end_failed_later(self, error: BaseException) -> BaseException:
        return self.end_failed(await self.close_later(error) or error)

    def _watch_failure(self, failure: Failure) -> Failure:
        error = failure.value
        if error is None:
            self.end()
            return failure
        raised = self.end_failed(error)
        return failure if raised is error else Failure(raised)

    def _finished(self, value: Any) -> tuple[Any, bool]:
        """Convert the handler's value. Return the value to respond with, and whether it is a stream."""
        if self._finish is not None:
            value = self._finish(value)
        watched = self._watch_stream(value)
        return watched, watched is not value

    def _watch_stream(self, value: Any) -> Any:
        if isinstance(value, Response):
            body = self._watch_stream(value.body)
            if body is not value.body:
                value = value.detached()
                value.body = body
            return value
        if hasattr(value, "__aiter__"):
            return ScopedAsyncParts(self, value)
        if not hasattr(value, "__next__"):
            return value
        return ScopedPartsInTurn(self, value) if self.closes_later else ScopedParts(self, value)

    def _close_if_over(self) -> None:
        if self.closed or not self._ended or self._running:
            return
        self.closed = True
        request, error = self._request, self._error
        if error is None and request.gone:
            error = Disconnected()
        self._error = None
        if any(isinstance(each.generator, AsyncGenerator) for each in self._opened):
            request.service.app.cleanups.run(self._close_async(error))
            return
        while self._opened:
            generator, provider, _ = self._opened.pop()
            assert isinstance(generator, Generator)
            self._report(close_generator(generator, provider, error), error, provider)
        request.note_closed(self)

    async def _close_async(self, error: BaseException | None) -> None:
        while self._opened:
            generator, provider, _ = self._opened.pop()
            if isinstance(generator, AsyncGenerator):
                raised = await close_async_generator(generator, provider, error)
            else:
                raised = close_generator(generator, provider, error)
            self._report(raised, error, provider)
        self._request.note_closed(self)

    def _report(self, raised: BaseException | None, error: BaseException | None, provider: Provider) -> None:
        """Log an exception that a provider raised when it was closed, unless it is the request's own error."""
        if raised is None or raised is error:
            return
        code = raised.code if isinstance(raised, HandlerError) else "RW208"
        note_error = getattr(self._request.service, "note_error", None)
        if note_error is not None:  # only the service of a test client has this method
            note_error(self._request, raised)
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
