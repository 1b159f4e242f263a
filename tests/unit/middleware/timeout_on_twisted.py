"""The program that `test_timeout` runs in a separate process: timeouts on a reactor of Twisted, without asyncio."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import deferLater, react
from twisted.logger import globalLogPublisher

from ropewalk import App, Request
from ropewalk.middleware import TimeoutOptions, timeout
from ropewalk.testing import AsyncClient

reactor: Any = installed
cancelled: list[str] = []
logged: list[Any] = []


def deferred(request: Request) -> "Deferred[str]":
    return Deferred(lambda _: cancelled.append("deferred"))


async def coroutine(request: Request) -> str:
    return await deferred(request)


async def stream(request: Request) -> AsyncIterator[str]:
    yield await deferred(request)


def in_time(request: Request) -> "Deferred[str]":
    return deferLater(reactor, 0, lambda: "in time")


async def begun(request: Request) -> AsyncIterator[str]:
    yield "begun "
    await deferLater(reactor, 0.03, lambda: None)
    yield "and finished"


def serve(handler: Callable[[Request], Any], seconds: float) -> AsyncClient:
    app = App(middleware=[timeout(TimeoutOptions(seconds=seconds))])
    app.get("/")(handler)
    return AsyncClient(app)


async def main() -> None:
    for handler in (deferred, coroutine, stream):
        response = await serve(handler, 0.01).get("/")
        assert (response.status, cancelled) == (503, ["deferred"]), (handler, response, cancelled)
        cancelled.clear()
    assert (await serve(in_time, 60).get("/")).text == "in time"
    assert (await serve(begun, 0.01).get("/")).text == "begun and finished"
    warnings = [event for event in logged if event["log_level"].name in ("error", "critical", "warn")]
    assert [event["code"] for event in warnings] == ["RW308"] * 3, warnings
    assert [call for call in reactor.getDelayedCalls() if call.getTime() - reactor.seconds() > 50] == []


globalLogPublisher.addObserver(logged.append)  # type: ignore[arg-type] # a function is an observer


def run(_: Any) -> "Deferred[None]":
    return ensureDeferred(main()).addCallback(lambda _: print("done"))


react(run)
