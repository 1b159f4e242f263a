"""httpx, with its synchronous and its asynchronous client."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from tests.clients.conftest import LARGE, Accepted


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=20, trust_env=False) as client:
        yield client


def test_requests_on_one_connection(client: httpx.Client, accepted: Accepted) -> None:
    for _ in range(5):
        assert client.get("/").text == "Hello, World!"
    assert accepted() == 1


def test_json_and_headers(client: httpx.Client) -> None:
    facts = client.post("/facts", params={"a": "b c"}, headers={"x-one": "1"}, json={"two": 2}).json()
    assert facts["target"] == "/facts?a=b+c"
    assert ["x-one", "1"] in facts["headers"]
    assert facts["body"] == '{"two":2}'


def test_download_in_parts(client: httpx.Client) -> None:
    with client.stream("GET", "/large") as response:
        assert b"".join(response.iter_bytes(100_000)) == LARGE


def test_upload(client: httpx.Client) -> None:
    assert client.post("/echo", content=LARGE[:100_000]).content == LARGE[:100_000]


def test_upload_in_parts(client: httpx.Client) -> None:
    assert client.post("/stream", content=(bytes(10_000) for _ in range(100))).content == bytes(1_000_000)


def test_a_response_left_in_the_middle(client: httpx.Client) -> None:
    with client.stream("GET", "/large") as response:
        next(response.iter_bytes(100))
    assert client.get("/").status_code == 200


def test_many_at_once(url: str) -> None:
    async def many() -> list[str]:
        async with httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as client:
            responses = await asyncio.gather(*(client.get("/") for _ in range(50)))
        return [response.text for response in responses]

    assert asyncio.run(many()) == ["Hello, World!"] * 50


def test_both_ways_at_once(url: str) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for number in range(200):
            yield bytes([number]) * 10_000

    async def echo() -> bytes:
        async with httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as client:
            return (await client.post("/stream", content=parts())).content

    assert asyncio.run(echo()) == b"".join(bytes([number]) * 10_000 for number in range(200))
