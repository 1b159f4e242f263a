"""Request bodies with a content coding, for routes with `decompress`."""

import gzip
import os
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
import pytest
from tests.unit.conftest import Log

from ropewalk import App, Form, Request
from ropewalk.errors import OptionError
from ropewalk.middleware import BodyLimitOptions, body_limit
from ropewalk.testing import AsyncClient, Client, ClientResponse

TEXT = "".join(f"line {number}\n" for number in range(20_000))
GZIP = {"content-encoding": "gzip"}


class Room(msgspec.Struct):
    name: str


app = App()


@app.post("/whole", decompress=True)
async def whole(request: Request) -> bytes:
    return await request.body()


@app.post("/stream", decompress=True)
async def streamed(request: Request) -> bytes:
    return b"".join([part async for part in request.stream()])


@app.post("/sizes", decompress=True)
async def sizes(request: Request) -> dict[str, int]:
    return {"size": sum([len(part) async for part in request.stream(1 << 30)])}


@app.post("/room", decompress=True)
def room(room: Room) -> str:
    return room.name


@app.post("/form", decompress=True)
def form(name: Annotated[str, Form()]) -> str:
    return name


@app.post("/small", decompress=True, body_limit=1000)
async def small(request: Request) -> bytes:
    return await request.body()


@app.post("/raw")
async def raw(request: Request) -> bytes:
    return await request.body()


def post(path: str, body: bytes, coding: str = "gzip", **headers: str) -> ClientResponse:
    return Client(app).post(path, body=body, headers={"content-encoding": coding, **headers})


@pytest.mark.parametrize("path", ["/whole", "/stream"])
@pytest.mark.parametrize("text", ["", "a", TEXT, TEXT * 2])
def test_a_body_is_decoded(path: str, text: str) -> None:
    assert post(path, gzip.compress(text.encode())).text == text


@pytest.mark.parametrize("path", ["/whole", "/stream"])
@pytest.mark.parametrize("coding", ["br", "zstd"])
@pytest.mark.parametrize("text", ["", "a", TEXT, TEXT * 4])
def test_encoders_of_others(path: str, coding: str, text: str) -> None:
    package = pytest.importorskip({"br": "brotli", "zstd": "zstandard"}[coding])
    body = package.compress(text.encode())
    assert post(path, body, coding).text == text
    if len(body) > 1:  # no bytes at all are an empty body
        assert post(path, body[:-1], coding).status == 400
    assert post(path, body, "gzip").status == 400


def test_inputs_of_typed_handlers() -> None:
    assert post("/room", gzip.compress(b'{"name": "attic"}'), **{"content-type": "application/json"}).text == "attic"
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert post("/form", gzip.compress(b"name=attic"), **form).text == "attic"


def test_without_the_option_the_body_stays_as_it_was_sent() -> None:
    body = gzip.compress(b"text")
    assert post("/raw", body).body == body


@pytest.mark.parametrize("coding", ["", "identity", "identity, ,"])
def test_no_coding(coding: str) -> None:
    assert post("/whole", b"text", coding).text == "text"


@pytest.mark.parametrize("coding", ["x-gzip", "GZIP", "identity, gzip"])
def test_other_names_of_gzip(coding: str) -> None:
    assert post("/whole", gzip.compress(b"text"), coding).text == "text"


@pytest.mark.parametrize("path", ["/whole", "/stream", "/room"])
@pytest.mark.parametrize("coding", ["deflate", "compress", "gzip, gzip", "gzip, br", "\xff", "x" * 5000])
def test_rfc9110_15_5_16_another_coding_is_415(path: str, coding: str, log: Log) -> None:
    response = post(path, gzip.compress(b"text"), coding)
    assert (response.status, response.headers["accept-encoding"]) == (415, "zstd, br, gzip")
    assert log == []


@pytest.mark.parametrize("path", ["/whole", "/stream", "/room"])
@pytest.mark.parametrize("body", [b"text", gzip.compress(b"text")[:-1], gzip.compress(b"text") + b"more", b"\x1f"])
def test_a_malformed_body_is_400(path: str, body: bytes, log: Log) -> None:
    response = post(path, body, **{"content-type": "application/json"})
    assert (response.status, "Content-Encoding" in response.text) == (400, True)
    assert log == []


def test_the_limit_counts_decoded_bytes(log: Log) -> None:
    assert post("/small", gzip.compress(b"x" * 1000)).status == 200
    response = post("/small", gzip.compress(b"x" * 1001))
    assert (response.status, "larger than 1000 bytes" in response.text) == (413, True)
    assert post("/whole", gzip.compress(b"x" * (1 << 20))).status == 200
    assert post("/whole", gzip.compress(b"x" * ((1 << 20) + 1))).status == 413
    assert log == []


def test_a_limit_of_middleware_counts_decoded_bytes() -> None:
    limited = App(middleware=[body_limit(BodyLimitOptions(body_limit=1000))])
    limited.post("/", decompress=True)(whole)
    for size, status in ((1000, 200), (1001, 413)):
        assert Client(limited).post("/", body=gzip.compress(b"x" * size), headers=GZIP).status == status


@pytest.mark.parametrize("path", ["/sizes", "/stream"])
def test_a_bomb_is_413(path: str, log: Log) -> None:
    assert post(path, gzip.compress(bytes(50_000_000))).status == 413
    assert log == []


def test_a_large_stream() -> None:
    assert post("/sizes", gzip.compress(os.urandom(1_000_000).hex().encode())).json() == {"size": 2_000_000}


@pytest.mark.parametrize("path", ["/whole", "/stream"])
def test_a_body_that_arrives_byte_by_byte(path: str) -> None:
    import asyncio

    body = gzip.compress(b"A body in many parts")

    async def parts() -> AsyncIterator[bytes]:
        for at in range(len(body)):
            yield body[at : at + 1]

    async def send() -> ClientResponse:
        async with AsyncClient(app) as client:
            return await client.post(path, body=parts(), headers=GZIP)

    assert asyncio.run(send()).text == "A body in many parts"


def test_a_wrong_value_of_the_option() -> None:
    wrong: Any = "gzip"
    with pytest.raises(OptionError, match="RW271 The route '/' has the invalid value decompress='gzip'"):
        App().post("/", decompress=wrong)
