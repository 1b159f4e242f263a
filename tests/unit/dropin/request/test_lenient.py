"""Values that resources may return only under `ropewalk exec`. test_request.py tests other values."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.dropin.request.channels import Lines, by_engine
from tests.unit.dropin.request.scenes import GetOnlyResource, Scene, subclass
from tests.unit.dropin.world import world
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.web.error import UnsupportedMethod
from twisted.web.server import NOT_DONE_YET

from ropewalk.dropin.request.lenient import LenientRequest

Render = Callable[[Any], Any]
UTF8 = b"Content-Type: text/html; charset=utf-8\r\n"


def ask(
    response: Any, method: bytes = b"GET", base: Any = LenientRequest, lines: Lines | None = None
) -> tuple[Any, Any]:
    """Receive a request, and return it and its channel."""
    site = Scene("", response, site={"log": lambda request: None}).make_site()
    request, channel = by_engine(base, site, lines or [], [])
    request.requestReceived(method, b"/", b"HTTP/1.1")
    return request, channel


def body(channel: Any) -> bytes:
    return bytes(channel.written.partition(b"\r\n\r\n")[2])


def with_code(code: int, response: Any) -> Render:
    def render(request: Any) -> Any:
        request.setResponseCode(code)
        return response

    return render


def disconnect(request: Any) -> None:
    request.connectionLost(Failure(ConnectionLost()))


class TestText:
    def test_the_default_is_utf8(self) -> None:
        _, channel = ask("é")
        assert body(channel) == "é".encode()
        assert UTF8 in channel.written
        assert b"Content-Length: 2\r\n" in channel.written
        assert channel.responded == [200]

    def test_a_content_type_that_is_set_is_kept(self) -> None:
        def render(request: Any) -> str:
            request.setHeader("content-type", "text/x")
            return "é"

        assert b"Content-Type: text/x\r\n" in ask(render)[1].written

    @pytest.mark.parametrize("method", [b"GET", b"HEAD"])
    @pytest.mark.parametrize("field", [b"text/plain; charset=iso-8859-1", "text/html; charset=latin1"])
    def test_the_charset_of_the_content_type(self, field: Any, method: bytes) -> None:
        def render(request: Any) -> str:
            request.setHeader("content-type" if isinstance(field, str) else b"content-type", field)
            return "é"

        _, channel = ask(render, method)
        assert b"Content-Length: 1\r\n" in channel.written
        assert body(channel) == (b"" if method == b"HEAD" else b"\xe9")

    def test_the_charset_of_the_default_content_type(self) -> None:
        base = subclass(defaultContentType=b"text/plain; charset=latin-1")(LenientRequest)
        assert body(ask("é", base=base)[1]) == b"\xe9"

    def test_empty_text_has_no_byte_order_mark(self) -> None:
        base = subclass(defaultContentType=b"text/plain; charset=utf-16")(LenientRequest)
        assert body(ask("", base=base)[1]) == b""

    def test_the_charset_for_the_result_of_a_deferred(self) -> None:
        def render(request: Any) -> Any:
            request.setHeader("content-type", "text/plain; charset=utf-16le")
            return succeed("é")

        assert body(ask(render)[1]) == b"\xe9\x00"

    @pytest.mark.parametrize(("field", "text"), [("text/plain; charset=latin-1", "€"), ("a/b; charset=klingon", "x")])
    @pytest.mark.parametrize("waits", [False, True])
    def test_text_that_its_charset_cannot_express(self, field: str, text: str, waits: bool, log: Log) -> None:
        def render(request: Any) -> Any:
            request.setHeader("content-type", field)
            return succeed(text) if waits else text

        request, _ = ask(render)
        assert (request.code, len(log)) == (500, 1)
        assert "RW213" in str(log[0]["log_failure"].value)

    @pytest.mark.parametrize(
        ("default", "expected"),
        [
            (b"text/plain", b"Content-Type: text/plain; charset=utf-8\r\n"),
            (b"text/plain; charset=latin-1", b"Content-Type: text/plain; charset=latin-1\r\n"),
            (b"application/json", b"Content-Type: application/json\r\n"),
            ("text/plain", b"Content-Type: text/plain; charset=utf-8\r\n"),
        ],
    )
    def test_another_default_content_type(self, default: Any, expected: bytes) -> None:
        _, channel = ask("é", base=subclass(defaultContentType=default)(LenientRequest))
        assert expected in channel.written

    def test_no_default_content_type(self) -> None:
        _, channel = ask("é", base=subclass(defaultContentType=None)(LenientRequest))
        assert b"Content-Type" not in channel.written

    @pytest.mark.parametrize("response", ["", with_code(204, "x"), with_code(304, "x")])
    def test_no_content_type_without_a_body(self, response: Any) -> None:
        assert b"Content-Type" not in ask(response)[1].written

    def test_HEAD(self) -> None:
        _, channel = ask("é", b"HEAD")
        assert (body(channel), b"Content-Length: 2\r\n" in channel.written, UTF8 in channel.written) == (
            b"",
            True,
            True,
        )

    def test_text_after_written_parts(self) -> None:
        def render(request: Any) -> str:
            request.write(b"some ")
            return "more"

        _, channel = ask(render)
        assert body(channel) == b"5\r\nsome \r\n4\r\nmore\r\n0\r\n\r\n"

    def test_a_class_with_its_own_write(self) -> None:
        class Loud(LenientRequest):
            def write(self, data: bytes) -> None:
                super().write(data.upper())

        assert body(ask("hello", base=Loud)[1]) == b"HELLO"

    def test_a_class_with_its_own_render_is_called_once(self) -> None:
        rendered = []

        class Counting(LenientRequest):
            def render(self, resrc: Any) -> None:
                rendered.append(resrc)
                super().render(resrc)

        assert body(ask("hello", base=Counting)[1]) == b"hello"
        assert len(rendered) == 1

    def test_text_that_utf8_cannot_express(self, log: Log) -> None:
        request, _ = ask("\udc80")
        assert (request.code, len(log)) == (500, 1)


class TestDeferred:
    @pytest.mark.parametrize("result", [b"hello", "hello", succeed("hello")])
    def test_its_result_is_the_response(self, result: Any) -> None:
        waiting: Deferred[Any] = Deferred()
        _, channel = ask(waiting)
        assert channel.written == b""
        waiting.callback(result)
        assert body(channel) == b"hello"
        assert channel.calls == ["done"]

    def test_it_may_have_fired_already(self) -> None:
        assert body(ask(succeed(b"hello"))[1]) == b"hello"

    @pytest.mark.parametrize("result", [7, None])
    def test_a_result_that_is_not_a_response(self, result: Any) -> None:
        request, channel = ask(succeed(result))
        assert b"Request did not return bytes" in channel.written
        assert request.finished

    def test_one_that_sends_its_response_itself(self) -> None:
        request, channel = ask(succeed(NOT_DONE_YET))
        assert channel.written == b""
        request.write(b"hello")
        assert channel.written.endswith(b"5\r\nhello\r\n")

    def test_an_error(self, log: Log) -> None:
        request, channel = ask(fail(ValueError("no")))
        assert (request.code, request.finished) == (500, 1)
        assert b"Processing Failed" in channel.written
        assert [event["log_failure"].type for event in log] == [ValueError]

    def test_it_is_cancelled_when_the_client_disconnects(self, log: Log) -> None:
        cancelled: list[Any] = []
        request, channel = ask(Deferred(cancelled.append))
        disconnect(request)
        assert len(cancelled) == 1
        assert (channel.written, list(log)) == (b"", [])

    def test_it_may_ignore_the_cancellation(self, log: Log) -> None:
        waiting: Deferred[str] = Deferred(lambda waiting: waiting.callback("too late"))
        request, channel = ask(waiting)
        disconnect(request)
        assert (channel.written, list(log)) == (b"", [])

    def test_an_error_after_the_client_disconnected(self, log: Log) -> None:
        request, _ = ask(Deferred(lambda waiting: waiting.errback(ValueError("no"))))
        disconnect(request)
        assert [event["log_failure"].type for event in log] == [ValueError]
        assert request.code == 200


class TestCoroutine:
    def test_its_result_is_the_response(self) -> None:
        async def render(request: Any) -> str:
            return "hello"

        _, channel = ask(render)
        assert body(channel) == b"hello"
        assert channel.responded == [200]

    def test_it_may_await_a_deferred(self) -> None:
        waiting: Deferred[bytes] = Deferred()

        async def render(request: Any) -> bytes:
            return await waiting + await succeed(b" Twisted")

        _, channel = ask(render)
        assert channel.written == b""
        waiting.callback(b"hello")
        assert body(channel) == b"hello Twisted"

    def test_it_may_await_asyncio(self, run: Any) -> None:
        waited: Any = None

        async def render(request: Any) -> str:
            return str(await waited)

        async def main() -> Any:
            nonlocal waited
            waited = asyncio.get_running_loop().create_future()
            request, channel = ask(render)
            done = request.notifyFinish().asFuture(asyncio.get_running_loop())
            assert channel.written == b""
            waited.set_result("hello")
            await done
            return channel

        assert body(run(main())) == b"hello"

    def test_its_result_may_be_awaitable(self) -> None:
        async def inner() -> str:
            return "hello"

        async def render(request: Any) -> Any:
            return inner()

        assert body(ask(render)[1]) == b"hello"

    def test_one_that_sends_its_response_itself(self) -> None:
        async def render(request: Any) -> int:
            return NOT_DONE_YET

        request, channel = ask(render)
        assert channel.written == b""
        request.finish()
        assert channel.calls == ["done"]

    @pytest.mark.parametrize("value", [None, NOT_DONE_YET])
    def test_one_that_has_sent_its_response(self, value: Any, log: Log) -> None:
        async def render(request: Any) -> Any:
            request.write(b"hello")
            request.finish()
            return value

        _, channel = ask(render)
        assert body(channel) == b"5\r\nhello\r\n0\r\n\r\n"
        assert list(log) == []

    def test_one_that_responds_twice(self, log: Log) -> None:
        async def render(request: Any) -> str:
            request.finish()
            return "again"

        request, channel = ask(render)
        assert (channel.calls, request.code) == (["done"], 200)
        assert [str(event["log_failure"].value) for event in log] == [
            "Request.write called on a request after Request.finish was called."
        ]

    def test_an_error(self, log: Log) -> None:
        async def render(request: Any) -> str:
            raise ValueError("no")

        request, channel = ask(render)
        assert (request.code, request.finished, channel.calls) == (500, 1, ["done"])
        assert [event["log_failure"].type for event in log] == [ValueError]

    def test_an_unsupported_method(self) -> None:
        async def render(request: Any) -> str:
            raise UnsupportedMethod([b"POST"])

        request, channel = ask(render)
        assert (request.code, b"Allow: POST\r\n" in channel.written) == (405, True)

    @pytest.mark.parametrize("method", [b"GET", b"HEAD"])
    def test_HEAD_has_the_head_of_GET(self, method: bytes) -> None:
        async def render(request: Any) -> str:
            await succeed(None)
            return "hello"

        _, channel = ask(render, method)
        assert channel.written.partition(b"\r\n\r\n")[0].endswith(b"Content-Length: 5")

    def test_it_is_cancelled_when_the_client_disconnects(self, log: Log) -> None:
        seen: list[Any] = []

        async def render(request: Any) -> str:
            try:
                return str(await Deferred())
            except BaseException as error:
                seen.append(type(error).__name__)
                raise

        request, channel = ask(render)
        disconnect(request)
        assert seen == ["CancelledError"]
        assert (channel.written, list(log)) == (b"", [])

    def test_it_is_not_cancelled_after_its_end(self) -> None:
        async def render(request: Any) -> int:
            return NOT_DONE_YET

        request, _ = ask(render)
        fired: list[Any] = []
        request.notifyFinish().addErrback(fired.append)
        disconnect(request)
        assert [failure.type for failure in fired] == [ConnectionLost]


class TestHeadByGet:
    """HEAD for an IResource that is not a Resource and supports GET only."""

    @staticmethod
    def ask(value: Callable[[], Any]) -> tuple[Any, Any]:
        class Late(GetOnlyResource):
            def render(self, request: Any) -> Any:
                super().render(request)
                return value()

        return ask(Late(), b"HEAD")

    def test_text(self) -> None:
        assert b"Content-Length: 2\r\n" in self.ask(lambda: "é")[1].written

    def test_a_deferred_is_not_awaited(self, log: Log) -> None:
        async def late() -> str:
            return "hello"

        for value in (late, Deferred, lambda: succeed("hello")):
            _, channel = self.ask(value)
            assert channel.written.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"Content-Length" not in channel.written
            assert channel.calls == ["done"]
        assert log.text.count("it got away from me") == 3

    def test_an_error_of_a_deferred(self, log: Log) -> None:
        _, channel = self.ask(lambda: fail(ValueError("no")))
        assert channel.written.startswith(b"HTTP/1.1 200 ")
        assert [event["log_failure"].type for event in log if "log_failure" in event] == [ValueError]


def test_the_head_is_read_on_demand() -> None:
    """The channel gives the head to a LenientRequest, and to a subclass, as to a Request."""
    made: list[Any] = []

    class Derived(LenientRequest):
        pass

    def render(request: Any) -> bytes:
        made.append((type(request), {"requestHeaders", "received_cookies", "content"} & vars(request).keys()))
        return b""

    for wanted, kind in enumerate((LenientRequest, Derived), 1):
        with world() as there:
            site = Scene("", render, site={"log": lambda request: None}).make_site()
            site.requestFactory = kind  # type: ignore[assignment]
            client = there.connect(there.listen(site, "accepted", None))
            client.get("/")
            there.until(lambda: len(made) == wanted)  # noqa: B023 - within the round
    assert made == [(LenientRequest, set()), (Derived, set())]
