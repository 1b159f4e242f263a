"""Compressed streams, and clients and libraries that decode them."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from tests.unit.compressed import GZIP, TEXT, coding, served
from twisted.internet.defer import Deferred

from ropewalk import App, Request, Response
from ropewalk.client import HTTPClient, HTTPClientOptions
from ropewalk.testing import AsyncClient, Client, ProtocolError


class TestStreams:
    @pytest.mark.parametrize("accepts", ["gzip", "br", "zstd"])
    def test_each_event_arrives_at_once(self, accepts: str) -> None:
        asyncio.run(self.read_events(accepts))

    async def read_events(self, accepts: str) -> None:
        """Read each event before the handler sends the next one."""
        app = App(compression=True)
        steps: list[Deferred[None]] = [Deferred() for _ in range(3)]

        @app.get("/", content_type="text/event-stream")
        async def events(request: Request) -> AsyncIterator[str]:
            for number, step in enumerate(steps):
                yield f"data: {number}\n\n"
                await step

        headers = {"accept-encoding": accepts}
        async with AsyncClient(app) as client, await client.stream("GET", "/", headers=headers) as response:
            assert response.headers["content-encoding"] == accepts
            received = response.events()
            for number, step in enumerate(steps):
                assert (await anext(received)).data == f"{number}"
                step.callback(None)

    @pytest.mark.parametrize("accepts", ["gzip", "br", "zstd"])
    @pytest.mark.parametrize("split", [1, 7, 1000])
    def test_decoders_of_others_read_a_stream_in_parts(self, accepts: str, split: int) -> None:
        def parts() -> Iterator[str]:
            for number in range(50):
                yield f"part {number} "

        app = App(compression=True)
        app.get("/")(lambda request: parts())
        body = asyncio.run(body_as_sent(app, accepts))
        decode, is_complete = decoder_of_others(accepts)
        decoded = b"".join(decode(body[at : at + split]) for at in range(0, len(body), split))
        assert (decoded, is_complete()) == ("".join(parts()).encode(), True)

    @pytest.mark.parametrize("accepts", ["gzip", "br", "zstd"])
    @pytest.mark.parametrize("size", [1024, 65536, 65537, 1_000_000])
    def test_decoders_of_others_read_whole_bodies(self, accepts: str, size: int) -> None:
        text = (TEXT * (size // len(TEXT) + 1))[:size]
        app = App(compression=True)
        app.get("/")(lambda request: text)
        decode, is_complete = decoder_of_others(accepts)
        assert (decode(asyncio.run(body_as_sent(app, accepts))), is_complete()) == (text.encode(), True)

    def test_a_client_that_leaves_frees_its_encoder(self) -> None:
        asyncio.run(self.leave())

    async def leave(self) -> None:
        app = App(compression=True)
        seen: list[Any] = []

        @app.get("/")
        async def endless(request: Request) -> AsyncIterator[str]:
            seen.append(request.service.engine)
            while True:
                yield "part "
                await asyncio.sleep(0)

        async with AsyncClient(app) as client:
            async with await client.stream("GET", "/", headers=GZIP) as response:
                await anext(response)
                assert seen[0].encoders == 1
            assert seen[0].encoders == 0


async def body_as_sent(app: App, accepts: str) -> bytes:
    async with AsyncClient(app) as client:
        client.decodes = False
        return (await client.get("/", headers={"accept-encoding": accepts})).body


def decoder_of_others(coding: str) -> tuple[Callable[[bytes], bytes], Callable[[], bool]]:
    """A decoder of another library than the engine uses: its function, and whether the body is complete."""
    if coding == "gzip":
        of_zlib = zlib.decompressobj(16 + zlib.MAX_WBITS)
        return of_zlib.decompress, lambda: of_zlib.eof
    if coding == "br":
        of_brotli = pytest.importorskip("brotli").Decompressor()
        return of_brotli.process, of_brotli.is_finished
    of_zstd = pytest.importorskip("zstandard").ZstdDecompressor(max_window_size=1 << 17).decompressobj()
    return of_zstd.decompress, lambda: of_zstd.eof


class TestClients:
    def test_the_test_client_decodes_what_it_has_asked_for(self) -> None:
        app = App(compression=True)
        app.get("/")(lambda request: {"text": TEXT})
        for accepts in ("gzip", "br", "zstd"):
            response = Client(app).get("/", headers={"accept-encoding": accepts})
            assert (response.json(), coding(response)) == ({"text": TEXT}, accepts)
            assert response.encoded_size < len(response.body)

    @pytest.mark.parametrize("body", [gzip.compress(b"text")[:-1], b"text"])
    def test_a_malformed_body_fails_the_test(self, body: bytes) -> None:
        with pytest.raises(ProtocolError, match="The body has the Content-Encoding gzip, and cannot be decoded"):
            served(lambda: Response(body, headers={"content-encoding": "gzip"}))

    def test_a_body_for_which_the_client_has_not_asked_stays_as_it_was_sent(self) -> None:
        app = App()
        app.get("/")(lambda request: Response(b"text", headers={"content-encoding": "gzip"}))
        assert Client(app).get("/").body == b"text"

    def test_another_coding_stays_as_it_was_sent(self) -> None:
        response = served(lambda: Response(b"text", headers={"content-encoding": "x-own"}))
        assert response.body == b"text"

    def test_the_http_client(self) -> None:
        asyncio.run(self.call())

    async def call(self) -> None:
        app = App(compression=True)
        app.get("/")(lambda request: TEXT)
        async with HTTPClient(HTTPClientOptions(base_url="http://a.example"), app=app) as client:
            response = await client.get("/")
            assert (response.text, response.headers["content-encoding"]) == (TEXT, "gzip")
