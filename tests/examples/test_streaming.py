"""Streams in both directions, and clients that leave in the middle of a stream."""

import asyncio
import hashlib

from ropewalk.testing import AsyncClient, Client
from streaming import app

PART = bytes(range(256)) * 256
PARTS = 40


def test_a_large_body_up() -> None:
    response = Client(app).post("/digest", body=[PART] * PARTS)
    assert response.json() == {"sha256": hashlib.sha256(PART * PARTS).hexdigest(), "bytes": len(PART) * PARTS}


def test_a_large_body_down() -> None:
    response = Client(app).get("/zeros/3")
    assert response.headers["transfer-encoding"] == "chunked"
    assert response.body == bytes(3 << 20)


def test_both_at_once() -> None:
    response = Client(app).post("/upper", body=[b"strands ", b"into ", b"rope"])
    assert response.text == "STRANDS INTO ROPE"


def test_parts_come_one_by_one() -> None:
    with Client(app).stream("GET", "/countdown/3") as response:
        assert list(response.lines()) == ["3", "2", "1", "Lift-off"]


def test_leaving_ends_the_stream() -> None:
    with Client(app).stream("GET", "/countdown/1000000") as response:
        assert next(response) == b"1000000\n"


def test_in_a_coroutine() -> None:
    async def run() -> list[bytes]:
        async with AsyncClient(app) as client, await client.stream("GET", "/countdown/3") as response:
            return [part async for part in response]

    assert asyncio.run(run()) == [b"3\n", b"2\n", b"1\n", b"Lift-off\n"]
