"""When generators of dependencies are closed, and what they see."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest
from tests.unit.conftest import Log
from tests.unit.typed.session_recorder import (
    Next,
    Recorder,
    Rollback,
    Session,
    get,
    passing,
    turns,
)
from twisted.internet.defer import Deferred, fail

from ropewalk import App, Depends, HTTPError, Request, Response
from ropewalk.testing import AsyncClient, Client


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(params=["generator", "async generator"])
def provider(request: Any, recorder: Recorder) -> Callable[..., Any]:
    return recorder.session if request.param == "generator" else recorder.session_later


@pytest.fixture(params=["alone", "in middleware"])
def app(request: Any, provider: Callable[..., Any]) -> App:
    app = App(middleware=() if request.param == "alone" else (passing,))
    app.provide("session", provider)
    return app


class TestOrder:
    def test_generators_are_closed_in_reverse_order(self, log: Log) -> None:
        events = []

        def first() -> Iterator[str]:
            yield "first"
            events.append("first")

        async def second(first: Annotated[str, Depends(first)]) -> AsyncIterator[str]:
            yield "second"
            await asyncio.sleep(0)
            events.append("second")

        def third(second: Annotated[str, Depends(second)]) -> Iterator[str]:
            yield "third"
            events.append("third")

        app = App()

        @app.get("/")
        def handler(third: Annotated[str, Depends(third)], first: Annotated[str, Depends(first)]) -> str:
            return third

        assert get(app).text == "third"
        assert events == ["third", "second", "first"]
        assert log.text == ""

    def test_the_response_is_sent_first(self, app: App, recorder: Recorder) -> None:
        @app.get("/")
        def handler(request: Request, session: Session) -> str:
            request.disconnected.addCallback(lambda _: recorder.events.append("sent"))
            return "body"

        assert get(app).text == "body"
        assert sorted(recorder.events, key=["open", "sent", "commit", "closed"].index) == [
            "open",
            "sent",
            "commit",
            "closed",
        ]
        assert recorder.events.index("commit") > 0

    def test_a_plain_generator_needs_no_turn_of_the_loop(self, recorder: Recorder) -> None:
        app = App()

        @app.get("/")
        def handler(session: Annotated[Recorder, Depends(recorder.session)]) -> str:
            session.use()
            return "body"

        Client(app).get("/")
        assert recorder.events == ["open", "used", "commit", "closed"]


class TestHandlersThatRaise:
    @pytest.mark.parametrize("error", [Rollback, HTTPError])
    @pytest.mark.parametrize("kind", ["plain", "Deferred", "coroutine"])
    def test_the_exception_is_visible(
        self, app: App, recorder: Recorder, error: type[Exception], kind: str, log: Log
    ) -> None:
        raised = HTTPError(404) if error is HTTPError else error()

        def plain(session: Session) -> None:
            session.use()
            raise raised

        def deferred(session: Session) -> Deferred[None]:
            return fail(raised)

        async def coroutine(session: Session) -> None:
            await asyncio.sleep(0)
            session.use()
            raise raised

        app.get("/")({"plain": plain, "Deferred": deferred, "coroutine": coroutine}[kind])
        assert get(app).status == (404 if error is HTTPError else 500)
        assert [each for each in recorder.events if each != "used"] == ["open", error.__name__, "closed"]
        assert log.text.count("RW208") == (error is Rollback)  # logged once, as without the dependency

    def test_an_exception_with_an_error_handler(self, app: App, recorder: Recorder, log: Log) -> None:
        @app.error(Rollback)
        def handle(request: Request, error: Exception) -> Response:
            return Response("handled", 409)

        @app.get("/")
        async def handler(session: Session) -> None:
            raise Rollback

        assert get(app).status == 409
        assert recorder.events == ["open", "Rollback", "closed"]
        assert log.text == ""

    def test_an_exception_of_a_later_provider(self, app: App, recorder: Recorder) -> None:
        def failing(session: Session) -> None:
            raise HTTPError(403)

        async def failing_later(session: Session) -> None:
            await asyncio.sleep(0)
            raise HTTPError(403)

        for each in (failing, failing_later):
            recorder.events.clear()
            path = f"/{each.__name__}"

            @app.get(path)
            def handler(value: Annotated[None, Depends(each)]) -> None: ...

            assert get(app, path).status == 403
            assert recorder.events == ["open", "HTTPError", "closed"]

    def test_a_value_that_cannot_be_sent(self, app: App, recorder: Recorder, log: Log) -> None:
        @app.get("/")
        def handler(session: Session) -> Any:
            return object()

        assert get(app).status == 500
        assert recorder.events == ["open", "WrongReturn", "closed"]
        assert "RW201" in log.text

    def test_input_that_is_invalid_opens_nothing(self, app: App, recorder: Recorder) -> None:
        @app.get("/")
        def handler(session: Session, n: int) -> None: ...

        assert get(app).status == 422
        assert recorder.events == []

    def test_every_generator_sees_it_though_one_handles_it(self, recorder: Recorder, log: Log) -> None:
        def handles(session: Annotated[Recorder, Depends(recorder.session)]) -> Iterator[None]:
            try:
                yield
            except Rollback:
                recorder.events.append("handled")

        app = App()

        @app.get("/")
        def handler(value: Annotated[None, Depends(handles)]) -> None:
            raise Rollback

        assert get(app).status == 500
        assert recorder.events == ["open", "handled", "Rollback", "closed"]

    @pytest.mark.parametrize("error", [StopIteration, StopAsyncIteration])
    def test_an_exception_that_generators_cannot_raise(
        self, provider: Callable[..., Any], recorder: Recorder, error: type[Exception], log: Log
    ) -> None:
        app = App()

        @app.get("/")
        def handler(session: Annotated[Recorder, Depends(provider)]) -> None:
            raise error

        assert get(app).status == 500
        # a coroutine turns such an exception into a RuntimeError (PEP 479)
        assert recorder.events[1] in (error.__name__, "RuntimeError")
        assert [*recorder.events[:1], *recorder.events[2:]] == ["open", "closed"]
        assert log.text.count("RW208") == 1


class TestMiddleware:
    def test_one_that_raises(self, provider: Callable[..., Any], recorder: Recorder, log: Log) -> None:
        async def failing(request: Request, next: Next) -> Response:
            await next(request)
            raise Rollback

        app = App(middleware=[failing])

        @app.get("/")
        def handler(session: Annotated[Recorder, Depends(provider)]) -> str:
            return "body"

        assert get(app).status == 500
        assert recorder.events == ["open", "Rollback", "closed"]

    def test_one_that_replaces_a_stream(self, provider: Callable[..., Any], recorder: Recorder, log: Log) -> None:
        async def replacing(request: Request, next: Next) -> Response:
            await next(request)
            return Response("other")

        app = App(middleware=[replacing])

        @app.get("/")
        async def handler(session: Annotated[Recorder, Depends(provider)]) -> AsyncIterator[str]:
            try:
                session.use()
                yield "part"
            finally:
                await asyncio.sleep(0)
                session.use()

        assert get(app).text == "other"
        assert recorder.events == ["open", "used", "used", "commit", "closed"]
        assert log.text == ""

    def test_one_that_calls_the_handler_twice(self, provider: Callable[..., Any], recorder: Recorder, log: Log) -> None:
        async def retrying(request: Request, next: Next) -> Response:
            first = await next(request)
            return await next(request) if first.status == 503 else first

        app = App(middleware=[retrying])
        statuses = iter([503, 200])

        @app.get("/")
        def handler(session: Annotated[Recorder, Depends(provider)]) -> str:
            status = next(statuses)
            if status != 200:
                raise HTTPError(status)
            return "body"

        assert get(app).text == "body"
        assert sorted(recorder.events) == sorted(["open", "HTTPError", "closed", "open", "commit", "closed"])
        assert log.text == ""


class TestStops:
    def test_a_stop_waits_for_cleanups(self) -> None:
        events = []
        app = App()
        app.on_stop(lambda: events.append("stop hook"))

        async def slow() -> AsyncIterator[None]:
            yield
            for _ in range(50):
                await asyncio.sleep(0)
            events.append("closed")

        @app.get("/")
        def handler(value: Annotated[None, Depends(slow)]) -> str:
            return "body"

        assert get(app).text == "body"
        assert events == ["closed", "stop hook"]

    def test_one_that_is_cancelled_cancels_them(self) -> None:
        events = []
        app = App()

        async def endless() -> AsyncIterator[None]:
            yield
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                events.append("cancelled")
                raise

        @app.get("/")
        def handler(value: Annotated[None, Depends(endless)]) -> str:
            return "body"

        async def main() -> None:
            client = AsyncClient(app)
            await client.__aenter__()
            await client.get("/")
            await turns(lambda: app.cleanups)
            stopping = asyncio.ensure_future(app.stop())
            await turns(lambda: True)
            await asyncio.sleep(0)
            stopping.cancel()
            with pytest.raises(asyncio.CancelledError):
                await stopping
            await turns(lambda: events)
            await client.__aexit__(None, None, None)

        asyncio.run(main())
        assert events == ["cancelled"]


class TestFailures:
    def test_a_failure_is_logged_and_keeps_no_other(self, recorder: Recorder, log: Log) -> None:
        def failing(session: Annotated[Recorder, Depends(recorder.session)]) -> Iterator[None]:
            yield
            raise LookupError("not closed")

        async def failing_later(value: Annotated[None, Depends(failing)]) -> AsyncIterator[None]:
            yield
            raise LookupError("not closed later")

        app = App()

        @app.get("/")
        def handler(a: Annotated[None, Depends(failing)]) -> str:
            return "body"

        @app.get("/later")
        def later(a: Annotated[None, Depends(failing_later)]) -> str:
            return "body"

        assert get(app).text == "body"
        assert recorder.events == ["open", "commit", "closed"]
        assert "RW208 GET /: " in log.text
        assert "failing at" in log.text
        assert "LookupError('not closed')" in log.text
        assert get(app, "/later").text == "body"
        assert recorder.events == ["open", "commit", "closed"] * 2
        assert "LookupError('not closed later')" in log.text

    def test_a_second_yield(self, log: Log) -> None:
        def twice() -> Iterator[None]:
            yield
            yield

        async def twice_later() -> AsyncIterator[None]:
            yield
            yield

        app = App()

        @app.get("/")
        def handler(a: Annotated[None, Depends(twice)], b: Annotated[None, Depends(twice_later)]) -> str:
            return "body"

        assert get(app).text == "body"
        assert log.text.count("RW218") >= 2
        assert "twice at" in log.text
        assert "twice_later at" in log.text
