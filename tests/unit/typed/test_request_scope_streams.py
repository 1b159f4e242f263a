"""When generators of dependencies are closed if the response is a stream, or the client leaves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest
from tests.unit.conftest import Log
from tests.unit.typed.session_recorder import (
    Recorder,
    Rollback,
    Session,
    get,
    passing,
    turns,
)
from twisted.internet.defer import Deferred

from ropewalk import App, Depends, Response
from ropewalk.testing import AsyncClient


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


class TestStreams:
    @pytest.mark.parametrize("kind", ["iterator", "async iterator", "Response"])
    def test_the_session_is_open_to_the_last_part(self, app: App, recorder: Recorder, kind: str, log: Log) -> None:
        def parts(session: Recorder) -> Iterator[str]:
            for _ in range(3):
                session.use()
                yield "x"
            session.use()

        async def parts_later(session: Recorder) -> AsyncIterator[str]:
            for part in parts(session):
                await asyncio.sleep(0)
                yield part

        @app.get("/")
        def handler(session: Session) -> Any:
            if kind == "Response":
                return Response(parts_later(session), 201)
            return parts(session) if kind == "iterator" else parts_later(session)

        assert get(app).text == "xxx"
        assert recorder.events == ["open", *["used"] * 4, "commit", "closed"]
        recorder.events.clear()
        get(app, method="HEAD")
        assert [each for each in recorder.events if each != "used"] == ["open", "commit", "closed"]
        assert log.text == ""

    @pytest.mark.parametrize("after", [0, 2])
    def test_an_exception_between_parts_is_visible(self, app: App, recorder: Recorder, after: int, log: Log) -> None:
        @app.get("/")
        async def handler(session: Session) -> AsyncIterator[str]:
            for _ in range(after):
                yield "x"
            raise Rollback

        if after:
            with pytest.raises(Exception, match="closed|cut|incomplete|ended"):
                get(app)
        else:
            assert get(app).status == 500
        assert recorder.events == ["open", "Rollback", "closed"]
        assert log.text.count("RW208") == 1

    def test_trailers_are_sent(self, app: App) -> None:
        class Parts:
            trailers = (("x-sum", "7"),)

            def __aiter__(self) -> "Parts":
                return self

            async def __anext__(self) -> str:
                if hasattr(self, "over"):
                    raise StopAsyncIteration
                self.over = True
                return "part"

        @app.get("/")
        def handler(session: Session) -> Any:
            return Response(Parts(), headers={"trailer": "x-sum"})

        response = get(app)
        assert (response.text, response.trailers["x-sum"]) == ("part", "7")


class TestClientsThatLeave:
    def test_while_the_handler_waits(self, app: App, recorder: Recorder, log: Log) -> None:
        @app.get("/")
        async def handler(session: Session) -> None:
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0)
                session.use()

        self.leave(app, lambda: "open" in recorder.events, recorder)
        assert recorder.events == ["open", "used", "CancelledError", "closed"]
        assert log.text == ""

    def test_while_a_handler_goes_on(self, app: App, recorder: Recorder, log: Log) -> None:
        @app.get("/")
        async def handler(session: Session) -> str:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                await asyncio.sleep(0)
            session.use()
            return "too late"

        self.leave(app, lambda: "open" in recorder.events, recorder)
        assert recorder.events == ["open", "used", "Disconnected", "closed"]
        assert log.text == ""

    def test_while_a_deferred_is_awaited(self, app: App, recorder: Recorder) -> None:
        @app.get("/")
        def handler(session: Session) -> Deferred[None]:
            return Deferred()

        self.leave(app, lambda: "open" in recorder.events, recorder)
        assert recorder.events == ["open", "CancelledError", "closed"]

    def test_while_a_provider_waits(self, app: App, recorder: Recorder) -> None:
        async def waits(session: Session) -> AsyncIterator[None]:
            try:
                await asyncio.sleep(60)
                yield
            finally:
                session.use()

        @app.get("/")
        def handler(value: Annotated[None, Depends(waits)]) -> None: ...

        self.leave(app, lambda: "open" in recorder.events, recorder)
        assert recorder.events == ["open", "used", "CancelledError", "closed"]

    def test_in_a_stream(self, app: App, recorder: Recorder, log: Log) -> None:
        @app.get("/")
        async def handler(session: Session) -> AsyncIterator[str]:
            try:
                yield "x"
                session.use()
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0)
                session.use()

        self.leave(app, lambda: "used" in recorder.events, recorder)
        assert recorder.events == ["open", "used", "used", "CancelledError", "closed"]
        assert log.text == ""

    def test_before_a_stream_begins(self, app: App, recorder: Recorder, log: Log) -> None:
        @app.get("/")
        async def handler(session: Session) -> Any:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                return self.parts(session)

        self.leave(app, lambda: "open" in recorder.events, recorder)
        assert recorder.events == ["open", "Disconnected", "closed"]
        assert log.text == ""

    def parts(self, session: Recorder) -> Iterator[str]:
        session.use()
        yield "part"

    def leave(self, app: App, when: Callable[[], object], recorder: Recorder) -> None:
        async def main() -> None:
            async with AsyncClient(app, raise_errors=False) as client:
                asking = asyncio.ensure_future(client.get("/"))
                await turns(when)
                asking.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asking
                await turns(lambda: "closed" in recorder.events)

        asyncio.run(main())
