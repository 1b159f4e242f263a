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

from ropewalk.errors import CATALOGUE, LATE_REMEDY, Disconnected, HandlerError, interrupts, named, shown, visible
from ropewalk.request import Request
from ropewalk.response import Response
from ropewalk.streaming import close_parts
from ropewalk.tracebacks import shown_failure
from ropewalk.typed.depends import Provider

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
        try:
            value = next(generator)
        except StopIteration:
            raise yields_nothing(provider) from None
        self._keep(generator, provider)
        return value

    async def open_async(self, generator: AsyncGenerator[Any, Any], provider: Provider) -> Any:
        """The value that an async generator yields."""
        try:
            value = await anext(generator)
        except StopAsyncIteration:
            raise yields_nothing(provider) from None
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
            return _AsyncParts(self, value)
        return _Parts(self, value) if hasattr(value, "__next__") else value

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


def close_generator(
    generator: Generator[Any, Any, Any], provider: Provider, error: BaseException | None
) -> BaseException | None:
    """Resume a generator for the last time, with the error if there is one. Returns what it raises."""
    trace = None if error is None else error.__traceback__
    try:
        if error is None:
            next(generator)
        else:
            generator.throw(error)
        generator.close()
    except StopIteration:
        return None
    except BaseException as raised:
        if interrupts(raised):
            raise
        return error if _stands_for(raised, error) else raised
    finally:
        if error is not None:
            error.__traceback__ = trace
    return _yields_again(provider)


async def close_async_generator(
    generator: AsyncGenerator[Any, Any], provider: Provider, error: BaseException | None
) -> BaseException | None:
    """The same for an async generator."""
    trace = None if error is None else error.__traceback__
    try:
        if error is None:
            await anext(generator)
        else:
            await generator.athrow(error)
        await generator.aclose()
    except StopAsyncIteration:
        return None
    except BaseException as raised:
        if interrupts(raised):
            raise
        return error if _stands_for(raised, error) else raised
    finally:
        if error is not None:
            error.__traceback__ = trace
    return _yields_again(provider)


class _Parts:
    """The parts of a stream, while the dependencies of its request stay open."""

    def __init__(self, scope: RequestScope, parts: Any) -> None:
        self._scope = scope
        self._source = self._parts = parts
        self._runs = False
        self._over = False

    @property
    def trailers(self) -> Any:
        return getattr(self._source, "trailers", None)

    def __iter__(self) -> "_Parts":
        return self

    def __next__(self) -> Any:
        self._begin()
        try:
            return next(self._parts)
        except BaseException as error:
            self._end(None if isinstance(error, StopIteration) else error)
            raise

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
            self._scope.begin()
            self._runs = True

    def _end(self, error: BaseException | None) -> None:
        if error is not None:
            self._scope.fail(error)
        if self._runs and not self._over:
            self._over = True
            self._scope.end()


class _AsyncParts(_Parts):
    """The same for an async iterator."""

    __iter__ = None  # type: ignore[assignment] # only `async for` reads it
    __next__ = None  # type: ignore[assignment]
    close = None  # type: ignore[assignment]

    def __aiter__(self) -> "_AsyncParts":
        return self

    async def __anext__(self) -> Any:
        if not self._runs:
            self._parts = aiter(self._parts)
        self._begin()
        try:
            return await anext(self._parts)
        except BaseException as error:
            self._end(None if isinstance(error, StopAsyncIteration) else error)
            raise

    async def aclose(self) -> None:
        try:
            await close_parts(self._parts)
        except BaseException as error:
            self._end(error)
            raise
        self._end(None)


def _stands_for(raised: BaseException, error: BaseException | None) -> bool:
    """Whether a generator raised an error again. A StopIteration leaves it as the cause of a RuntimeError (PEP 479)."""
    stops = isinstance(error, StopIteration | StopAsyncIteration)
    return raised is error or (stops and isinstance(raised, RuntimeError) and raised.__cause__ is error)


def yields_nothing(provider: Provider) -> HandlerError:
    """The error for a generator without a yield."""
    return HandlerError("RW218", f"{named(provider)} ended without a yield.")


def _yields_again(provider: Provider) -> HandlerError:
    return HandlerError("RW218", f"{named(provider)} yielded twice.")
