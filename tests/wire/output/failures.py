"""Handlers that never respond, and that raise exceptions of every kind at every moment."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NoReturn

from tests.wire.output.later import later
from tests.wire.output.leaves import leaf_of
from twisted.internet.defer import CancelledError as DeferredCancelled
from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from ropewalk import NOT_DONE_YET, App, HTTPError, Request, Resource, Response

app = App()

leaf = leaf_of(app)

happened: list[str] = []


class Mute(Exception):
    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __str__(self) -> str:
        raise RuntimeError("no str")


class Odd(Exception):
    """Code in an exception class that could break the code that reports the exception."""

    def __init__(self) -> None:
        super().__init__("x" * 1_000_000, "line\r\nRW000 forged\x1b[2J\ud800")
        self.__notes__ = [5, None]  # type: ignore[list-item] # nothing keeps it from being so


class Base(BaseException):
    pass


def deeper(depth: int) -> int:
    return deeper(depth + 1)


class BadDetail(HTTPError):
    def __init__(self) -> None:
        super().__init__(404, object())


class BadFields(HTTPError):
    def __init__(self) -> None:
        super().__init__(404)
        self.headers = (("x", "a\r\nb"),)


class Unfinished(HTTPError):
    """An exception that does not call the constructor of its base class."""

    def __init__(self) -> None:
        Exception.__init__(self)


errors: dict[str, Callable[[], BaseException]] = {
    "LookupError": lambda: LookupError("lost"),
    "CancelledError": asyncio.CancelledError,
    "DeferredCancelled": DeferredCancelled,
    "SystemExit": lambda: SystemExit(3),
    "KeyboardInterrupt": KeyboardInterrupt,
    "GeneratorExit": GeneratorExit,
    "StopIteration": StopIteration,
    "StopAsyncIteration": StopAsyncIteration,
    "Base": Base,
    "Mute": Mute,
    "Odd": Odd,
    "ExceptionGroup": lambda: BaseExceptionGroup("several", [Base(), Mute()]),
    "BadDetail": BadDetail,
    "BadFields": BadFields,
    "Unfinished": Unfinished,
}


def made(request: Request) -> BaseException:
    return errors[request.query["error"]]()


def raises(request: Request) -> NoReturn:
    raise made(request)


async def raises_at_once(request: Request) -> NoReturn:
    raise made(request)


async def raises_in_time(request: Request) -> NoReturn:
    await later()
    raise made(request)


def fails(request: Request) -> "Deferred[str]":
    return fail(made(request))


def fails_in_time(request: Request) -> "Deferred[str]":
    def late(_: None) -> NoReturn:
        raise made(request)

    return later().addCallback(late)


def raises_for_the_first_part(request: Request) -> Iterator[str]:
    raise made(request)
    yield "x"  # type: ignore[unreachable] # makes it a generator


async def raises_for_the_first_async_part(request: Request) -> AsyncIterator[str]:
    raise made(request)
    yield "x"  # type: ignore[unreachable] # makes it a generator


before_the_head = (
    raises,
    raises_at_once,
    raises_in_time,
    fails,
    fails_in_time,
    raises_for_the_first_part,
    raises_for_the_first_async_part,
)


def raises_for_a_part(request: Request) -> Iterator[str]:
    yield "some"
    raise made(request)


async def raises_for_an_async_part(request: Request) -> AsyncIterator[str]:
    yield "some"
    await later()
    raise made(request)


async def raises_after_begin(request: Request) -> None:
    request.begin(200, ())
    await later()
    raise made(request)


def fails_after_a_write(request: Request) -> "Deferred[str]":
    request.write("some")
    return fails_in_time(request)


class _PullProducer:
    def __init__(self, request: Request) -> None:
        self.request = request

    def resumeProducing(self) -> None:
        if self.request.started:
            raise made(self.request)
        self.request.write("some")

    def stopProducing(self) -> None: ...


class Pulled(Resource):
    isLeaf = True

    def render_GET(self, request: Request) -> int:
        request.registerProducer(_PullProducer(request), False)
        return NOT_DONE_YET


class _PushProducer:
    def __init__(self, request: Request) -> None:
        self.request = request

    def resumeProducing(self) -> None:
        raise made(self.request)

    def pauseProducing(self) -> None: ...

    def stopProducing(self) -> None: ...


class Pushed(Resource):
    """A producer that raises when it is resumed."""

    isLeaf = True

    def render_GET(self, request: Request) -> int:
        request.registerProducer(_PushProducer(request), True)
        while request.write(bytes(65_536)):
            pass
        return NOT_DONE_YET


class Processing(Resource):
    """A resource that calls `processingFailed`, as in Twisted."""

    isLeaf = True

    def render_GET(self, request: Request) -> int:
        def late(_: None) -> NoReturn:
            if "some" in request.query:
                request.write("some")
            raise made(request)

        later().addCallback(late).addErrback(request.processingFailed)
        return NOT_DONE_YET


after_the_head = (raises_for_a_part, raises_for_an_async_part, raises_after_begin, fails_after_a_write)

for function in (*before_the_head, *after_the_head):
    app.get(f"/{function.__name__}")(function)
app.mount("/pulled", Pulled())
app.mount("/pushed", Pushed())
app.mount("/processing", Processing())


async def passing(request: Request, next: Any) -> Response:
    return await next(request)  # type: ignore[no-any-return]


async def raising(request: Request, next: Any) -> Response:
    await next(request)
    raise made(request)


async def returning_nothing(request: Request, next: Any) -> None:
    await next(request)


def hello(request: Request) -> str:
    return "Hello, World!"


for name, middleware, handler in (
    ("passing", passing, raises),
    ("raising", raising, hello),
    ("returning-nothing", returning_nothing, hello),
):
    around = App(middleware=[passing, middleware])
    around.get("/")(handler)
    app.mount(f"/{name}", around)


class Handled(Exception):
    """The exceptions for the error handlers below."""


async def handle_badly(request: Request, error: Exception) -> NoReturn:
    raise made(request)


async def handle_badly_in_time(request: Request, error: Exception) -> NoReturn:
    await later()
    raise made(request)


def handle_with_nothing(request: Request, error: Exception) -> object:
    return object()


async def handle_with_parts(request: Request, error: Exception) -> Response:
    def parts() -> Iterator[str]:
        raise made(request)
        yield "x"  # type: ignore[unreachable] # makes it a generator

    return Response(parts(), 503)


def raises_what_is_handled(request: Request) -> NoReturn:
    raise Handled("first")


for handle in (handle_badly, handle_badly_in_time, handle_with_nothing, handle_with_parts):
    handling = App()
    handling.get("/")(raises_what_is_handled)
    handling.error(Handled)(handle)
    app.mount(f"/{handle.__name__}", handling)


@app.get("/ignores-its-close")
def ignores_its_close(request: Request) -> Iterator[str]:
    try:
        yield "some"
        yield {}  # type: ignore[misc] # this value is the mistake for which the generator is closed
    finally:
        raise LookupError("in the close")


class Closing:
    """A body whose parts end, and whose `close` raises."""

    def __init__(self) -> None:
        self.parts = iter(["Hello, World!"])

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self.parts)

    def close(self) -> None:
        raise LookupError("in the close")


@app.get("/cannot-be-closed")
def cannot_be_closed(request: Request) -> Iterator[str]:
    return Closing()


@app.get("/recursion")
def recursion(request: Request) -> int:
    return deeper(0)


@app.get("/forgets-to-await")
def forgets_to_await(request: Request) -> str:
    async def forgotten() -> None: ...

    forgotten()  # type: ignore[unused-coroutine] # the mistake
    return "Hello, World!"


@app.get("/exits")
def exits(request: Request) -> NoReturn:
    sys.exit("out of here")


class NoChild(Resource):
    def getChild(self, name: str, request: Request) -> NoReturn:
        raise LookupError(name)


app.mount("/no-child", NoChild())


@app.post("/echo")
async def echo(request: Request) -> AsyncIterator[bytes]:
    return request.stream()


@app.get("/raises-when-left")
async def raises_when_left(request: Request) -> None:
    happened.append("raises-when-left began")
    try:
        await Deferred()
    finally:
        raise LookupError("after the client left")


@app.get("/cancels-badly")
def cancels_badly(request: Request) -> "Deferred[str]":
    def cancel(_: "Deferred[str]") -> NoReturn:
        raise LookupError("in the canceller")

    happened.append("cancels-badly began")
    return Deferred(cancel)


@app.get("/responds-when-left")
async def responds_when_left(request: Request) -> str:
    happened.append("responds-when-left began")
    try:
        await Deferred()
    except (asyncio.CancelledError, DeferredCancelled):
        happened.append("responds-when-left ended")
    return "nobody reads this"


class StopsBadly(Resource):
    isLeaf = True

    def render_GET(self, request: Request) -> int:
        class Producer:
            def resumeProducing(self) -> None: ...

            def pauseProducing(self) -> None: ...

            def stopProducing(self) -> None:
                raise LookupError("in the end of a producer")

        request.registerProducer(Producer(), True)
        request.notifyFinish().addErrback(lambda _: happened.append("stops-badly was notified"))
        happened.append("stops-badly began")
        return NOT_DONE_YET


app.mount("/stops-badly", StopsBadly())


class WritesWhenLeft(Resource):
    isLeaf = True

    def render_GET(self, request: Request) -> int:
        def late(_: Failure) -> None:
            happened.append("writes-when-left was notified")
            request.finish()

        request.notifyFinish().addErrback(late)
        happened.append("writes-when-left began")
        return NOT_DONE_YET


app.mount("/writes-when-left", WritesWhenLeft())
