"""What an application receives."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import pytest
from starlette.requests import ClientDisconnect
from tests.unit.asgi.applications import body, hosting, start
from tests.unit.conftest import Log

from ropewalk import App, Request, Response
from ropewalk.asgi import Application, ASGIOptions, Message, Receive, Scope, Send, asgi
from ropewalk.middleware import Next
from ropewalk.testing import AsyncClient, Client


def receiving(seen: list[Message], count: int) -> Application:
    """An application that receives `count` messages and then sends a response."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend([await receive() for _ in range(count)])
        await send(start())
        await send(body(b"complete"))

    return application


class TestBodies:
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_none(self, method: str) -> None:
        seen: list[Message] = []
        Client(hosting(receiving(seen, 1))).request(method, "/")
        assert seen == [{"type": "http.request", "body": b"", "more_body": False}]

    def test_whole_where_it_came_with_its_head(self) -> None:
        async def main() -> list[Message]:
            seen: list[Message] = []
            # Two segments: the client sends the head and the body separately.
            await AsyncClient(hosting(receiving(seen, 1))).post("/", body=b"body")
            return seen

        (message,) = asyncio.run(main())
        assert message["body"] == b"body"

    @pytest.mark.parametrize("size", [4, 1_000_000])
    def test_one_that_middleware_has_read(self, size: int) -> None:
        async def reading(request: Request, next: Next) -> Response:
            await request.body()
            return await next(request)

        seen: list[Message] = []
        app = App(middleware=[reading])
        app.mount("/", asgi(receiving(seen, 1)))
        Client(app).post("/", body=b"x" * size)
        assert seen == [{"type": "http.request", "body": b"x" * size, "more_body": False}]

    def test_in_parts(self) -> None:
        async def main() -> bytes:
            got = []

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                more = True
                while more:
                    message = await receive()
                    got.append(message["body"])
                    more = message["more_body"]
                await send(start())
                await send(body())

            async def parts() -> AsyncIterator[bytes]:
                for part in (b"one", b"two", b"three"):
                    await asyncio.sleep(0)
                    yield part

            await AsyncClient(hosting(application)).post("/", body=parts())
            assert len(got) > 1
            return b"".join(got)

        assert asyncio.run(main()) == b"onetwothree"

    def test_unread_it_halts_the_client(self) -> None:
        async def main() -> list[bool]:
            sent = 0
            begun, reading = asyncio.Event(), asyncio.Event()

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                await receive()
                begun.set()
                await reading.wait()
                while (await receive()).get("more_body"):
                    pass
                await send(start())
                await send(body())

            async def parts() -> AsyncIterator[bytes]:
                nonlocal sent
                for _ in range(64):
                    yield bytes(64 * 1024)
                    sent += 1

            asked = asyncio.create_task(AsyncClient(hosting(application)).post("/", body=parts()))
            await begun.wait()
            for _ in range(100):
                await asyncio.sleep(0)
            stuck = sent < 64
            reading.set()
            await asked
            return [stuck, sent == 64]

        assert asyncio.run(main()) == [True, True]

    def test_none_of_it_need_be_read(self) -> None:
        assert Client(hosting(receiving([], 0))).post("/", body=b"unread").text == "complete"

    def test_one_over_the_limit_is_refused(self, log: Log) -> None:
        seen: list[Message] = []
        client = Client(hosting(receiving(seen, 2), body_limit=8))
        response = client.post("/", body=b"more than eight")
        assert (response.status, seen) == (413, [{"type": "http.disconnect"}] * 2)
        assert "RW2" not in log.text
        assert "RW7" not in log.text

    def test_one_at_the_limit_is_not(self) -> None:
        assert Client(hosting(receiving([], 1), body_limit=8)).post("/", body=b"eight...").text == "complete"

    def test_one_that_is_found_too_long_on_the_way(self, log: Log) -> None:
        async def main() -> list[Any]:
            seen: list[Message] = []

            async def parts() -> AsyncIterator[bytes]:
                for _ in range(4):
                    await asyncio.sleep(0)
                    yield b"four"

            application = receiving(seen, 5)
            response = await AsyncClient(hosting(application, body_limit=8)).post("/", body=parts())
            return [response.status, b"".join(message.get("body", b"") for message in seen), seen[-1]["type"]]

        assert asyncio.run(main()) == [413, b"fourfour", "http.disconnect"]
        assert "RW7" not in log.text

    def test_the_limit_is_large_unless_it_is_said(self) -> None:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            size, more = 0, True
            while more:
                message = await receive()
                size += len(message["body"])
                more = message["more_body"]
            await send(start())
            await send(body(str(size).encode()))

        assert Client(hosting(application), raise_errors=False).post("/", body=bytes(3 << 20)).text == str(3 << 20)
        assert (
            Client(hosting(application, body_limit=None), raise_errors=False).post("/", body=bytes(3 << 20)).status
            == 413
        )


class TestDisconnect:
    def test_when_the_client_leaves(self, log: Log) -> None:
        async def main() -> list[Message]:
            seen: list[Message] = []
            begun, done = asyncio.Event(), asyncio.Event()

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                seen.append(await receive())
                begun.set()
                seen.append(await receive())
                seen.append(await receive())
                done.set()

            asked = asyncio.create_task(AsyncClient(hosting(application)).get("/"))
            await begun.wait()
            asked.cancel()
            await done.wait()
            return seen

        assert [message["type"] for message in asyncio.run(main())] == ["http.request", *["http.disconnect"] * 2]
        assert "RW" not in log.text

    def test_inside_of_middleware_of_ours(self) -> None:
        async def main() -> str:
            begun, done = asyncio.Event(), asyncio.Event()
            seen: list[str] = []

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                await receive()
                begun.set()
                seen.append((await receive())["type"])
                done.set()

            app = hosting(application)

            @app.middleware
            async def around(request: Request, next: Any) -> Any:
                return await next(request)

            asked = asyncio.create_task(AsyncClient(app).get("/"))
            await begun.wait()
            asked.cancel()
            await done.wait()
            return seen[0]

        assert asyncio.run(main()) == "http.disconnect"

    def test_in_the_middle_of_the_body(self, log: Log) -> None:
        async def main() -> list[Message]:
            seen: list[Message] = []
            begun, done = asyncio.Event(), asyncio.Event()

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                seen.append(await receive())
                begun.set()
                seen.append(await receive())
                done.set()
                raise ClientDisconnect

            async def parts() -> AsyncIterator[bytes]:
                yield b"part"
                await asyncio.Event().wait()

            asked = asyncio.create_task(AsyncClient(hosting(application)).post("/", body=parts()))
            await begun.wait()
            asked.cancel()
            await done.wait()
            return seen

        assert asyncio.run(main()) == [
            {"type": "http.request", "body": b"part", "more_body": True},
            {"type": "http.disconnect"},
        ]
        assert "RW" not in log.text

    def test_the_application_goes_on_without_its_client(self) -> None:
        async def main() -> str:
            begun, left, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                begun.set()
                await left.wait()
                done.set()

            asked = asyncio.create_task(AsyncClient(hosting(application)).get("/"))
            await begun.wait()
            asked.cancel()
            await asyncio.wait({asked})
            left.set()
            await done.wait()
            return "done"

        assert asyncio.run(main()) == "done"

    def test_when_the_response_is_complete(self) -> None:
        """When the response is complete, every waiting `receive` returns a disconnect, in any task. A later call
        returns the same at once."""

        async def main() -> list[str]:
            seen = []
            done = asyncio.Event()

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                await receive()

                async def listen() -> Message:
                    return await receive()

                listeners = [asyncio.create_task(listen()) for _ in range(3)]
                await asyncio.sleep(0)
                listeners[0].cancel()
                await asyncio.sleep(0)
                await send(start())
                await send(body(b"complete"))
                seen.extend([(await listener)["type"] for listener in listeners[1:]])
                seen.append((await receive())["type"])
                done.set()

            await AsyncClient(hosting(application)).get("/")
            await done.wait()
            return seen

        assert asyncio.run(main()) == ["http.disconnect"] * 3

    def test_two_may_wait_for_the_body(self) -> None:
        async def main() -> list[bytes]:
            got: list[bytes] = []
            begun = asyncio.Event()

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                async def read() -> None:
                    message = await receive()
                    got.append(message.get("body", b""))

                readers = [asyncio.create_task(read()) for _ in range(2)]
                await asyncio.sleep(0)
                begun.set()
                await asyncio.wait(readers, return_when=asyncio.FIRST_COMPLETED)
                await send(start())
                await send(body())
                await asyncio.wait(readers)

            async def parts() -> AsyncIterator[bytes]:
                await begun.wait()
                yield b"part"

            await AsyncClient(hosting(application)).post("/", body=parts())
            await asyncio.sleep(0)
            return got

        assert b"part" in asyncio.run(main())


async def after_half_close(use: Callable[[Receive], Awaitable[object]]) -> None:
    """Have an application call `receive` after its client has closed its sending side.

    The response is sent afterwards.
    """
    done = asyncio.Event()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        call: Any = receive
        call.__self__.request.on_half_close()  # the engine calls this
        await use(receive)
        await send(start())
        await send(body())
        done.set()

    assert (await AsyncClient(hosting(application)).get("/")).status == 200
    await done.wait()


class TestHalfClose:
    """`receive` waits for one turn before it reports a disconnect: another task may be about to begin the response."""

    def test_is_received_as_a_disconnect(self) -> None:
        async def use(receive: Receive) -> None:
            assert await receive() == {"type": "http.disconnect"}

        asyncio.run(after_half_close(use))

    def test_a_cancellation_is_raised(self) -> None:
        async def use(receive: Receive) -> None:
            async def listen() -> Message:
                return await receive()

            listening = asyncio.create_task(listen())
            await asyncio.sleep(0)
            listening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await listening

        asyncio.run(after_half_close(use))

    def test_a_cancellation_of_the_call_is_raised(self) -> None:
        async def use(receive: Receive) -> None:
            call = asyncio.current_task()
            assert call is not None
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await receive()
            assert call.uncancel() == 0

        asyncio.run(after_half_close(use))

    def test_a_timeout_ends_the_wait(self) -> None:
        async def use(receive: Receive) -> None:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await receive()
            call = asyncio.current_task()
            assert call is not None
            assert call.cancelling() == 0

        asyncio.run(after_half_close(use))

    def test_a_check_without_waiting_gets_the_disconnect(self) -> None:
        """Within a scope that is already cancelled, `receive` reports the disconnect without a wait. Starlette's
        `is_disconnected` checks in this way."""

        async def use(receive: Receive) -> None:
            with anyio.CancelScope() as scope:
                scope.cancel()
                message = await receive()
            assert message == {"type": "http.disconnect"}
            call = asyncio.current_task()
            assert call is not None
            assert call.cancelling() == 0

        asyncio.run(after_half_close(use))

    @pytest.mark.parametrize("first", ["scope", "task"])
    def test_a_cancellation_is_raised_though_the_scope_is_cancelled_too(self, first: str) -> None:
        async def use(receive: Receive) -> None:
            call = asyncio.current_task()
            assert call is not None

            def cancel() -> None:
                call.cancel()

            async def listen() -> None:
                with anyio.CancelScope() as scope:
                    if first == "task":
                        asyncio.get_running_loop().call_soon(cancel)
                    scope.cancel()
                    if first == "scope":
                        asyncio.get_running_loop().call_soon(cancel)
                    await receive()

            with pytest.raises(asyncio.CancelledError):
                await listen()
            assert call.uncancel() == 0

        asyncio.run(after_half_close(use))


class TestResponsesByOtherCode:
    def test_and_the_application_hears_of_it(self) -> None:
        async def main() -> list[Message]:
            seen: list[Message] = []
            requests: list[Request] = []
            heard, passed = asyncio.Event(), asyncio.Event()

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                seen.append(await receive())
                seen.append(await receive())
                seen.append(await receive())
                heard.set()

            app = App()
            app.mount("/", asgi(application, ASGIOptions(lifespan="off")))

            @app.middleware
            async def keep(request: Request, next: Next) -> Response:
                requests.append(request)
                try:
                    return await next(request)
                finally:
                    passed.set()

            asked = asyncio.create_task(AsyncClient(app, raise_errors=False).get("/"))
            while not seen:
                await asyncio.sleep(0)
            requests[0].respond(503, (), b"")
            assert (await asked).status == 503
            await heard.wait()
            await passed.wait()
            return seen

        first, *others = asyncio.run(main())
        assert first["type"] == "http.request"
        assert others == [{"type": "http.disconnect"}] * 2
