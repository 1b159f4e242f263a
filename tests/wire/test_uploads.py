"""Uploads in parts arrive whole and in order, in every way to read and to serve them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import httpx
import pytest
from tests.processes import Server, ropewalk
from tests.wire.conftest import address_of, by_site
from tests.wire.connection import Connection
from tests.wire.uploads import digest

TIMES = 5
"""How often each kind of upload is repeated, because an error may affect only some of the uploads."""

HANDLERS = ["/asgi", "/native", "/stream", "/whole"]


def body_of(size: int) -> bytes:
    """A body without two equal parts."""
    return b"".join(number.to_bytes(4, "big") for number in range(size // 4))


def in_parts(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


def chunked(path: str, body: bytes, size: int) -> bytes:
    """A request whose body comes in chunks of this size."""
    head = f"PUT {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in in_parts(body, size))
    return head + chunks + b"0\r\n\r\n"


@pytest.fixture(scope="module", params=["run", "app", "site", "tls"])
def uploads(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server for uploads: by the command line, by `App.run`, or by a Site on TCP or TLS."""
    if request.param == "run":
        with ropewalk("run", Path(__file__).parent / "uploads.py", "--access-log", "off") as server:
            yield server
    else:
        with by_site("tests.wire.uploads", request.param) as server:
            if request.param == "tls":
                server.url = server.url.replace("http:", "https:")
            yield server


@pytest.fixture
def trusting() -> ssl.SSLContext:
    """A TLS context that accepts any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.fixture
def connection(uploads: Server, trusting: ssl.SSLContext) -> Iterator[Connection]:
    with Connection(address_of(uploads)) as connection:
        if uploads.url.startswith("https:"):
            connection.socket = trusting.wrap_socket(connection.socket)
        yield connection


@pytest.mark.parametrize("path", HANDLERS)
@pytest.mark.parametrize("size", [1, 16 << 10, 40_000, 64 << 10])
def test_in_chunks_on_one_connection(connection: Connection, path: str, size: int) -> None:
    body = body_of(20_000 if size == 1 else 400_000)
    for _ in range(TIMES):
        assert connection.ask(chunked(path, body, size)).text == digest(body)


@pytest.mark.parametrize("path", HANDLERS)
@pytest.mark.parametrize("size", [1, 64 << 10])
def test_pipelined(connection: Connection, path: str, size: int) -> None:
    bodies = [body_of(length) for length in ((20_000, 4, 30_000) if size == 1 else (200_000, 4, 400_000))]
    connection.send(b"".join(chunked(path, body, size) for body in bodies))
    assert [connection.response().text for _ in bodies] == [digest(body) for body in bodies]


def form_of(body: bytes) -> tuple[dict[str, str], bytes]:
    """A form with one file and other fields."""
    head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
    return {"content-type": "multipart/form-data; boundary=edge"}, head + body + b"\r\n--edge--\r\n"


@pytest.mark.parametrize("size", [16 << 10, 64 << 10])
def test_files_by_httpx(uploads: Server, trusting: ssl.SSLContext, size: int) -> None:
    body = body_of(400_000)
    headers, form = form_of(body)
    with httpx.Client(base_url=uploads.url, timeout=20, trust_env=False, verify=trusting) as client:
        responses = [client.put("/fastapi/file", headers=headers, content=in_parts(form, size)) for _ in range(TIMES)]
    assert [response.json() for response in responses] == [digest(body)] * TIMES


@pytest.mark.parametrize("size", [16 << 10, 64 << 10])
def test_files_by_aiohttp(uploads: Server, trusting: ssl.SSLContext, size: int) -> None:
    body = body_of(400_000)
    headers, form = form_of(body)

    async def parts() -> AsyncIterator[bytes]:
        for part in in_parts(form, size):
            yield part

    async def upload() -> list[str]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as session:
            responses = []
            for _ in range(TIMES):
                async with session.put(f"{uploads.url}/fastapi/file", headers=headers, data=parts()) as response:
                    responses.append(await response.json())
            return responses

    assert asyncio.run(upload()) == [digest(body)] * TIMES
