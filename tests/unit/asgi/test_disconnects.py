"""Clients that leave before an application has sent its response."""

import asyncio

from tests.unit.asgi.applications import body, hosting, start
from tests.unit.conftest import Log

from ropewalk.asgi import ClientGone, Receive, Scope, Send
from ropewalk.testing import AsyncClient


class TestClientsThatLeave:
    def test_what_is_sent_to_them_is_dropped(self, log: Log) -> None:
        async def main() -> list[str]:
            seen = []
            left, done = asyncio.Event(), asyncio.Event()

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                await send(start())
                await send(body(b"one", True))
                await left.wait()
                await send(body(b"two", True))
                await send(body(b"three"))
                seen.append((await receive())["type"])
                done.set()

            response = await AsyncClient(hosting(application)).stream("GET", "/")
            response.close()
            left.set()
            await done.wait()
            return seen

        assert asyncio.run(main()) == ["http.disconnect"]
        assert "RW" not in log.text

    def test_an_application_that_sends_without_end_is_stopped(self, log: Log) -> None:
        async def main() -> int:
            sent = 0
            done = asyncio.Event()

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                nonlocal sent
                await send(start())
                try:
                    while True:
                        await send(body(b"more", True))
                        sent += 1
                        await asyncio.sleep(0)
                except ClientGone:
                    done.set()
                    raise

            response = await AsyncClient(hosting(application)).stream("GET", "/")
            before = sent
            response.close()
            await done.wait()
            return sent - before

        assert 100 <= asyncio.run(main()) < 105  # the disconnect may be reported some parts later
        assert "RW" not in log.text

    def test_an_error_that_has_nothing_to_do_with_it_is_logged(self, log: Log) -> None:
        async def main() -> None:
            left, done = asyncio.Event(), asyncio.Event()

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                await left.wait()
                done.set()
                raise KeyError("mine")

            client = AsyncClient(hosting(application))
            asked = asyncio.create_task(client.get("/"))
            await asyncio.sleep(0)
            asked.cancel()
            await asyncio.wait({asked})
            left.set()
            await done.wait()

        asyncio.run(main())
        assert "KeyError('mine')" in log.text
