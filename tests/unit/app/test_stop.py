"""How apps and handlers are notified of a stop."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.stops import EVENTS, stop_while
from twisted.logger import formatEvent

from ropewalk import App, Request, tracebacks
from ropewalk.testing import AsyncClient, ClientTimeout, ProtocolError, handler_ends


class TestHooks:
    def test_they_are_called_before_those_of_the_stop(self) -> None:
        calls = []
        inner, app = App(), App()
        app.mount("/inner", inner)
        app.on_stop(lambda: calls.append("stopped"))
        app.on_stopping(lambda: calls.append(f"stopping {app.is_stopping} {inner.is_stopping}"))

        @inner.on_stopping
        async def hook() -> None:
            await asyncio.sleep(0.001)
            calls.append("inner stopping")

        async def main() -> None:
            async with AsyncClient(app):
                assert not app.is_stopping

        asyncio.run(main())
        assert calls == ["stopping True True", "inner stopping", "stopped"]

    @pytest.mark.parametrize("event", ["on_stopping", "on_stop"])
    def test_one_that_fails_keeps_no_other(self, event: str, log: Log) -> None:
        calls = []
        app = App()

        def failing() -> None:
            raise LookupError

        getattr(app, event)(lambda: calls.append("other"))
        getattr(app, event)(failing)
        getattr(app, event)(lambda: calls.append("other"))

        async def main() -> None:
            async with AsyncClient(app):
                pass

        asyncio.run(main())
        assert calls == ["other", "other"]
        (line,) = log
        place = r"TestHooks\..*failing at .*test_stop\.py:\d+"
        assert re.fullmatch(rf"RW208 {place} failed while the app was stopping\.", formatEvent(line))
        trace = line["log_failure"].getTraceback()
        assert "raise LookupError" in trace
        assert tracebacks.PACKAGE not in trace

    def test_an_app_may_start_again(self) -> None:
        app = App()
        seen = []

        async def main() -> None:
            for _ in range(2):
                async with AsyncClient(app):
                    seen.append(app.is_stopping)
                seen.append(app.is_stopping)

        asyncio.run(main())
        assert seen == [False, True, False, True]


class TestWaits:
    @pytest.mark.parametrize("whose", ["app", "mounted", "request"])
    def test_a_handler_waits_for_a_stop(self, whose: str) -> None:
        inner, app = App(), App()
        app.mount("/", inner)

        @inner.get("/")
        async def handler(request: Request) -> AsyncIterator[str]:
            yield "begun, "
            waits: dict[str, Any] = {"app": app, "mounted": inner, "request": request}
            await waits[whose].stopping
            yield "ended"

        assert stop_while(app).text == "begun, ended"

    @pytest.mark.parametrize("whose", ["app", "mounted"])
    def test_a_wait_may_begin_before_the_start(self, whose: str) -> None:
        inner, app = App(), App()
        app.mount("/inner", inner)
        seen: list[None] = []
        (inner if whose == "mounted" else app).stopping.addCallback(seen.append)

        async def main() -> None:
            async with AsyncClient(app):
                assert seen == []
            assert seen == [None]

        asyncio.run(main())

    def test_a_task_of_asyncios_waits_too(self) -> None:
        app = App()

        @app.get("/")
        async def handler(request: Request) -> str:
            async def wait() -> str:
                await request.stopping
                return "stopped"

            return await asyncio.ensure_future(wait())

        assert stop_while(app).text == "stopped"

    def test_a_wait_that_is_cancelled_is_forgotten(self) -> None:
        app = App()
        wait = app.stopping
        wait.addErrback(lambda _: None)
        wait.cancel()
        app.begin_stop()
        assert app.is_stopping
        assert app.stopping.called


class TestCloses:
    """The end of an `async with` block stops the app in the same way as a server does."""

    @pytest.mark.parametrize("leaves", [False, True])
    def test_streams_of_events_end_before_the_stop_hooks(self, leaves: bool) -> None:
        app, calls = App(), []
        app.on_stop(lambda: calls.append("stopped"))

        @app.get("/", content_type=EVENTS)
        async def handler(request: Request) -> AsyncIterator[str]:
            try:
                yield "data: 1\n\n"
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0)
                calls.append("ended")

        async def main() -> None:
            async with AsyncClient(app) as client:
                response = await client.stream("GET", "/")
                assert await anext(response) == b"data: 1\n\n"
                if leaves:
                    response.close()

        asyncio.run(main())
        assert calls == ["ended", "stopped"]

    def test_a_handler_is_waited_for(self) -> None:
        app, calls = App(), []
        app.on_stop(lambda: calls.append("stopped"))

        @app.get("/")
        async def handler(request: Request) -> str:
            await request.stopping
            await asyncio.sleep(0.001)
            calls.append("ended")
            return "whole"

        assert stop_while(app).text == "whole"
        assert calls == ["ended", "stopped"]

    @pytest.mark.parametrize("fails", [False, True])
    def test_one_that_takes_longer_than_the_timeout_is_cut_off(self, fails: bool, log: Log) -> None:
        """At the end of the block, a request that runs longer than the timeout is cut off. If the block raises an
        exception, the request is cut off at once."""
        app, calls = App(), []
        begun = asyncio.Event()
        app.on_stop(lambda: calls.append("stopped"))

        @app.get("/")
        async def handler(request: Request) -> str:
            begun.set()
            try:
                await asyncio.sleep(60)
            finally:
                calls.append("ended")
            return "whole"

        async def main() -> None:
            with suppress(LookupError):
                async with AsyncClient(app, timeout=60 if fails else 0.01) as client:
                    asking = asyncio.ensure_future(client.get("/", timeout=None))
                    await begun.wait()
                    if fails:
                        raise LookupError
            with pytest.raises(ProtocolError):
                await asking

        asyncio.run(main())
        assert calls == ["ended", "stopped"]
        assert "1 request was cut off when the client was closed." in log.text

    def test_one_that_goes_on_without_its_client_is_named(self, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(handler_ends, "_END_TIMEOUT", 0.001)
        app = App()
        end = asyncio.Event()

        @app.get("/")
        async def handler(request: Request) -> str:
            try:
                return await asyncio.sleep(60, "")
            finally:
                await end.wait()

        async def main() -> None:
            async with AsyncClient(app) as client:
                with pytest.raises(ClientTimeout):
                    await client.get("/", timeout=0.001)
            end.set()

        asyncio.run(main())
        assert re.search(r"handler at \S+test_stop\.py:\d+ is still running when the stop hooks are called\.", log.text)

    def test_a_client_is_used_again_while_a_response_of_before_is_open(self) -> None:
        app = App()
        app.get("/")(lambda request: "Hello")

        async def main() -> None:
            client = AsyncClient(app)
            async with client:
                former = await client.stream("GET", "/")
            async with client:
                second = await client.stream("GET", "/")
                former.close()
                assert (await second.whole()).text == "Hello"

        asyncio.run(main())
