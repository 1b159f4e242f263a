"""aiohttp's client."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import aiohttp
from tests.clients.conftest import LARGE, Accepted

Result = TypeVar("Result")


def in_session(url: str, use: Callable[[aiohttp.ClientSession], Awaitable[Result]]) -> Result:
    """Return the result of using a client's session."""

    async def main() -> Result:
        async with aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(20)) as session:
            return await use(session)

    return asyncio.run(main())


def test_requests_on_one_connection(url: str, accepted: Accepted) -> None:
    async def use(session: aiohttp.ClientSession) -> list[str]:
        texts = []
        for _ in range(5):
            async with session.get("/") as response:
                texts.append(await response.text())
        return texts

    assert in_session(url, use) == ["Hello, World!"] * 5
    assert accepted() == 1


def test_download_in_parts(url: str) -> None:
    async def use(session: aiohttp.ClientSession) -> bytes:
        async with session.get("/large") as response:
            return b"".join([part async for part in response.content.iter_chunked(100_000)])

    assert in_session(url, use) == LARGE


def test_upload_in_parts(url: str) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield bytes(10_000)

    async def use(session: aiohttp.ClientSession) -> bytes:
        async with session.post("/stream", data=parts(), expect100=True) as response:
            return await response.read()

    assert in_session(url, use) == bytes(1_000_000)


def test_json(url: str) -> None:
    async def use(session: aiohttp.ClientSession) -> str:
        async with session.post("/facts", json={"two": 2}) as response:
            assert response.content_type == "application/json"
            return str((await response.json())["body"])

    assert in_session(url, use) == '{"two": 2}'


def test_many_at_once(url: str) -> None:
    async def get(session: aiohttp.ClientSession) -> str:
        async with session.get("/") as response:
            return await response.text()

    async def use(session: aiohttp.ClientSession) -> list[str]:
        return await asyncio.gather(*(get(session) for _ in range(100)))

    assert in_session(url, use) == ["Hello, World!"] * 100


def test_a_client_that_gives_up(url: str) -> None:
    async def use(session: aiohttp.ClientSession) -> int:
        try:
            async with session.get("/held/aiohttp", timeout=aiohttp.ClientTimeout(0.1)):
                raise AssertionError("there is no answer")
        except TimeoutError:
            pass
        async with session.get("/") as response:
            return response.status

    assert in_session(url, use) == 200
