"""The requests that a client sends to a fake service, and the results or errors that it makes of the responses."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from tests.unit.client.calls import Silent, called, result_of
from twisted.internet.defer import CancelledError, Deferred

from ropewalk.client import (
    BadResponse,
    BadStatus,
    ClientClosed,
    ConnectionBroken,
    ConnectionFailed,
    HTTPClient,
    HTTPClientOptions,
    InvalidCall,
    ResponseTooLarge,
    Retries,
    StreamUsed,
)
from ropewalk.client.running import RunningCalls, run
from ropewalk.client.stream import LONGEST_LINE
from ropewalk.errors import OptionError
from ropewalk.headers import Headers
from ropewalk.testing import FakeService, UnexpectedCall
from ropewalk.waiting import Waiter

NO_DELAY = Retries(first_delay=1e-9)


class Room(msgspec.Struct):
    id: int
    beds: int = 1


class TestWhatIsSent:
    def sent(self, fake: FakeService, method: str = "POST", **call: Any) -> Any:
        fake.reply(method, "/")
        called(fake, method, **call)
        return fake.calls[-1]

    def test_json(self, fake: FakeService) -> None:
        call = self.sent(fake, json=Room(1))
        assert (call.body, call.headers["content-type"]) == (b'{"id":1,"beds":1}', "application/json")
        assert call.headers["content-length"] == "17"

    def test_a_form(self, fake: FakeService) -> None:
        call = self.sent(fake, form={"a": "ü&", "b": [1, 2]})
        assert (call.body, call.headers["content-type"]) == (
            b"a=%C3%BC%26&b=1&b=2",
            "application/x-www-form-urlencoded",
        )

    def test_a_stream(self, fake: FakeService) -> None:
        async def body() -> AsyncIterator[bytes | str]:
            yield "ü"
            yield b"x" * 200_000

        call = self.sent(fake, body=body())
        assert call.body == "ü".encode() + b"x" * 200_000
        assert "content-length" not in call.headers

    def test_no_body(self, fake: FakeService) -> None:
        assert self.sent(fake).headers["content-length"] == "0"
        assert "content-length" not in self.sent(fake, "GET", headers={"content-length": "5"}).headers

    def test_fields(self, fake: FakeService) -> None:
        options = HTTPClientOptions(headers={"x-a": "client", "x-b": "client"}, auth=("ada", "é"))
        headers = self.sent(fake, options=options, headers={"X-A": "call"}).headers
        assert headers["x-a"] == "call"
        assert headers["x-b"] == "client"
        assert headers["authorization"] == "Basic YWRhOsOp"
        assert headers["user-agent"] == "ropewalk"
        assert headers["accept-encoding"] == "gzip"

    def test_a_token_from_a_function(self, fake: FakeService) -> None:
        renewed: Deferred[str] = Deferred()
        fake.reply("GET", "/")
        waiter = HTTPClient(HTTPClientOptions(auth=lambda: renewed), transport=fake).get("/")
        assert fake.calls == []
        renewed.callback("token")
        assert result_of(waiter).status == 200
        assert fake.calls[0].headers["authorization"] == "Bearer token"

    def test_a_function_that_returns_no_token(self, fake: FakeService) -> None:
        with pytest.raises(InvalidCall, match=r"RW357 GET http://localhost/: .* did not return a token as str\. "):
            called(fake, auth=lambda: None)
        with pytest.raises(InvalidCall, match="RW357 GET http://localhost/: The token in auth= is empty"):
            called(fake, auth=lambda: "")

    @pytest.mark.parametrize(
        "call",
        [
            {"body": b"", "json": {}},
            {"body": 7},
            {"body": {"a": 1}},
            {"headers": {"transfer-encoding": "chunked"}},
            {"headers": {"connection": "close"}},
            {"headers": {"content-length": "x"}, "body": iter([b""])},
            {"headers": {"a": "b\r\nc: d"}},
            {"timeouts": 5},
            {"body_limit": -1},
            {"redirects": "1"},
            {"auth": 5},
            {"method": "GET /\r\n"},
            {"method": "post"},
            {"url": 7},
            {"url": "/\ud800"},
            {"url": "/{a}", "path": {"a": "\ud800"}},
            {"url": "/{a}", "path": {"a": None}},
            {"url": "/{a}", "path": 5},
            {"query": {"a": "\ud800"}},
            {"query": 5},
            {"query": [5]},
            {"query": "a=b"},
            {"form": {"a": "\ud800"}},
            {"form": 5},
            {"json": ["\ud800"]},
            {"body": "\ud800"},
            {"auth": ("ada", "\ud800")},
        ],
        ids=ascii,
    )
    def test_wrong_arguments(self, fake: FakeService, call: dict[str, Any]) -> None:
        with pytest.raises(InvalidCall, match=r"RW357 .*calls\.py"):
            called(fake, **{"method": "POST", **call})
        assert fake.calls == []

    def test_a_wrong_part(self, fake: FakeService) -> None:
        with pytest.raises(InvalidCall, match="must be bytes or str, not 7"):
            called(fake, "POST", body=[7])
        with pytest.raises(InvalidCall, match="half of a surrogate pair"):
            called(fake, "POST", body=["\ud800"])

    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("params", "Here it is query."),
            ("data", "Here it is form, for"),
            ("content", "Here it is body."),
            ("timeout", "Here it is timeouts=Timeouts"),
            ("follow_redirects", "Here it is redirects,"),
            ("bodylimit", "Did you mean body_limit?"),
        ],
    )
    def test_options_that_do_not_exist(self, fake: FakeService, name: str, hint: str) -> None:
        with pytest.raises(OptionError, match=rf"RW270 A call .*{name}.*calls\.py:\d+\)\. {hint}"):
            called(fake, "GET", "/", **{name: 1})


class TestResponses:
    def test_a_type(self, fake: FakeService) -> None:
        fake.reply("GET", "/rooms/{id}", json=[{"id": 7, "more": True}])
        assert called(fake, url="/rooms/7", type=list[Room]) == [Room(7)]
        assert fake.calls[0].headers["accept"] == "application/json"

    def test_a_byte_order_mark(self, fake: FakeService) -> None:
        fake.reply("GET", "/", body=b'\xef\xbb\xbf{"id": 7}')
        assert called(fake, type=Room) == Room(7)
        assert called(fake).json() == {"id": 7}

    @pytest.mark.parametrize("body", [b"", b"{", b'{"id": "7"}', b"[" * 100_000, b'{"id": 1}x', b"\xff"])
    def test_a_body_that_does_not_fit(self, fake: FakeService, body: bytes) -> None:
        fake.reply("GET", "/", body=body)
        with pytest.raises(BadResponse, match="RW354 GET http://localhost/: "):
            called(fake, type=Room)

    def test_an_empty_body(self, fake: FakeService) -> None:
        fake.reply("GET", "/", status=204)
        with pytest.raises(BadResponse, match="RW354 GET http://localhost/: The body is empty, and the status is 204"):
            called(fake, type=Room)

    def test_a_status(self, fake: FakeService) -> None:
        fake.reply("GET", "/", status=404, body="gone")
        with pytest.raises(BadStatus, match=r"RW353 GET http://localhost/: The status is 404.*'gone'") as caught:
            called(fake, url="/?secret", type=Room)
        assert caught.value.response.text == "gone"
        assert caught.value.url == "http://localhost/?secret"

    def test_text(self, fake: FakeService) -> None:
        fake.reply("GET", "/", body="é".encode("latin-1"), headers={"content-type": "text/plain; charset=iso-8859-1"})
        assert called(fake).text == "é"
        fake.reply("GET", "/", body=b"\xff")
        with pytest.raises(BadResponse):
            _ = called(fake).text
        fake.reply("GET", "/", headers={"content-type": "text/plain; charset=none"})
        with pytest.raises(BadResponse, match="charset 'none'"):
            _ = called(fake).text

    def test_the_limit(self, fake: FakeService) -> None:
        fake.reply("GET", "/", body="12345")
        assert called(fake, body_limit=5).text == "12345"
        with pytest.raises(ResponseTooLarge, match="RW355 .*more than 4 bytes"):
            called(fake, body_limit=4)

    def test_gzip(self, fake: FakeService) -> None:
        packed = zlib.compress(b"text" * 1000, wbits=31)
        fake.reply("GET", "/", body=packed, headers={"content-encoding": "GZIP"})
        assert called(fake).text == "text" * 1000
        assert called(fake, options=HTTPClientOptions(decompress=False)).body == packed

    def test_a_part_of_encoded_content_is_not_decoded(self, fake: FakeService) -> None:
        part = zlib.compress(b"text" * 1000, wbits=31)[:10]
        fake.reply("GET", "/", status=206, body=part, headers={"content-encoding": "gzip"})
        assert called(fake).body == part

    def test_the_content_length_of_head(self, fake: FakeService) -> None:
        fake.reply("HEAD", "/", headers={"content-length": str(10**12)})
        assert called(fake, "HEAD").body == b""


class TestStreams:
    def test_it_is_read_once(self, fake: FakeService) -> None:
        fake.reply("GET", "/", body="text")
        stream = result_of(HTTPClient(transport=fake).stream("GET", "/"))
        assert result_of(stream.read()).text == "text"
        assert result_of(stream.read_part()) is None
        with pytest.raises(StreamUsed, match="RW362 GET http://localhost/: The body was read already"):
            result_of(stream.read())
        with pytest.raises(StreamUsed, match="RW362"):
            result_of(run(anext(stream.lines())))
        closed = result_of(HTTPClient(transport=fake).stream("GET", "/"))
        result_of(closed.close())
        result_of(closed.close())
        with pytest.raises(StreamUsed, match="RW362"):
            result_of(closed.read())

    def test_the_limit(self, fake: FakeService) -> None:
        fake.reply("GET", "/", body="12345")
        stream = result_of(HTTPClient(transport=fake).stream("GET", "/"))
        with pytest.raises(ResponseTooLarge):
            result_of(stream.read(body_limit=4))

    @pytest.mark.parametrize("end", [b"", b"\n", b"\nnext"])
    def test_a_line_that_is_too_long(self, fake: FakeService, end: bytes) -> None:
        async def lines(length: int) -> list[str]:
            fake.reply("GET", "/{length}", body=b"x" * length + end)
            async with await HTTPClient(transport=fake).stream("GET", f"/{length}") as response:
                return [line async for line in response.lines()]

        assert len(result_of(run(lines(LONGEST_LINE)))[0]) == LONGEST_LINE
        fake = FakeService()
        with pytest.raises(ResponseTooLarge, match="A line has more than"):
            result_of(run(lines(LONGEST_LINE + 1)))


class TestNamesOfOtherClients:
    @pytest.mark.parametrize(("name", "ours"), [("status_code", "status"), ("content", "body"), ("is_success", "ok")])
    def test_a_response(self, fake: FakeService, name: str, ours: str) -> None:
        fake.reply("GET", "/")
        with pytest.raises(AttributeError, match=f"Here it is {ours}"):
            getattr(called(fake), name)
        assert not hasattr(called(fake), "unknown")

    @pytest.mark.parametrize("name", ["status_code", "aiter_bytes", "aread", "text", "json", "content", "aclose"])
    def test_a_stream(self, fake: FakeService, name: str) -> None:
        fake.reply("GET", "/")
        stream = result_of(HTTPClient(transport=fake).stream("GET", "/"))
        with pytest.raises(AttributeError, match="Here it is "):
            getattr(stream, name)
        result_of(stream.close())


class TestRetries:
    def test_the_budget_after_failures_of_connections(self, fake: FakeService) -> None:
        fake.reply("GET", "/", error=ConnectionFailed("No route."))
        client = HTTPClient(HTTPClientOptions(retries=Retries(attempts=2, first_delay=1e-9, budget=0)), transport=fake)
        client._sender._budget.take = lambda: False  # type: ignore[method-assign]
        with pytest.raises(ConnectionFailed):
            result_of(client.get("/"))
        assert len(fake.calls) == 1

    def test_a_connection_that_fails(self, fake: FakeService) -> None:
        fake.reply("POST", "/", error=ConnectionFailed("No route."))
        with pytest.raises(ConnectionFailed, match="RW350 No route"):
            called(fake, "POST")
        assert len(fake.calls) == 1

    def test_no_retries(self, fake: FakeService) -> None:
        fake.reply("GET", "/", error=ConnectionBroken("It ended."))
        with pytest.raises(ConnectionBroken):
            called(fake, options=HTTPClientOptions(retries=Retries(attempts=1)))
        assert len(fake.calls) == 1

    def test_a_body_that_can_be_read_once(self, fake: FakeService) -> None:
        fake.reply("PUT", "/", status=503)
        assert called(fake, "PUT", body=iter([b"a"])).status == 503
        assert len(fake.calls) == 1

    def test_other_statuses(self, fake: FakeService) -> None:
        fake.reply("GET", "/", status=500)
        assert called(fake).status == 500
        assert len(fake.calls) == 1


class _Slow:
    """A transport that returns a response at once, and whose body never ends."""

    def __init__(self) -> None:
        self.status = 200
        self.headers = Headers({"content-length": "5"})
        self.reads = 0
        self.is_closed = False

    async def send(self, request: Any) -> Any:
        del request
        return self

    async def read(self) -> bytes | None:
        self.reads += 1
        return b"1" if self.reads <= 5 else None

    async def close(self) -> None:
        self.is_closed = True


def test_a_long_body_is_not_read_at_all() -> None:
    slow = _Slow()
    client = HTTPClient(HTTPClientOptions(body_limit=4), transport=slow)
    with pytest.raises(ResponseTooLarge):
        result_of(client.get("/"))
    assert (slow.reads, slow.is_closed) == (0, True)


class TestTheEndOfCalls:
    def test_closing(self) -> None:
        silent = Silent()
        client = HTTPClient(transport=silent)
        waiters: list[Waiter[Any]] = [client.get("/"), client.stream("GET", "/")]
        result_of(client.close())
        for waiter in waiters:
            with pytest.raises(ClientClosed, match="RW358"):
                result_of(waiter)
        assert not client._running
        assert silent.closed

    def test_cancelling(self) -> None:
        silent = Silent()
        client = HTTPClient(transport=silent)
        waiter = client.get("/")
        waiter.cancel()
        with pytest.raises(CancelledError):
            result_of(waiter)
        assert len(silent.waiting) == 1
        assert not client._running

    def test_slots_are_given_back(self) -> None:
        silent = Silent()
        client = HTTPClient(HTTPClientOptions(connections=1), transport=silent)
        first, second, third = (client.get("/") for _ in range(3))
        assert len(silent.waiting) == 1
        second.addErrback(lambda _: None)
        second.cancel()  # it waits for a slot
        first.addErrback(lambda _: None)
        first.cancel()
        assert len(silent.waiting) == 2
        silent.waiting[1].errback(LookupError())
        with pytest.raises(LookupError):
            result_of(third)
        fourth = client.get("/")
        assert len(silent.waiting) == 3
        fourth.addErrback(lambda _: None)
        fourth.cancel()


def test_a_result_after_the_end_is_dropped() -> None:
    dropped: list[str] = []

    async def stubborn() -> str:
        with suppress(CancelledError, asyncio.CancelledError):
            await Deferred[None]()
        return "late"

    async def drop(result: str) -> None:
        dropped.append(result)

    waiter = RunningCalls().run(stubborn(), None, lambda: LookupError(), drop)
    waiter.addErrback(lambda failure: failure.trap(CancelledError))
    waiter.cancel()
    assert dropped == ["late"]


def test_errors_are_of_their_kind() -> None:
    assert issubclass(ConnectionFailed, ConnectionError)
    assert issubclass(UnexpectedCall, AssertionError)
    assert not ClientClosed("x").is_mistake
    assert InvalidCall("x").is_mistake
    assert repr(HTTPClient()) == "<HTTPClient of any URL>"
