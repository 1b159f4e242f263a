"""One request and its response."""

import os
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from tests.engine.harness import GET, NEVER_OPEN, Harness, Recorder

from ropewalk.errors import (
    BadBody,
    BodyTooLarge,
    Disconnected,
    InvalidField,
    ResponseEnded,
    ResponseStarted,
    WrongLength,
    phrase,
)

POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


class TestRequest:
    def test_its_attributes(self) -> None:
        request = Harness().waiting(
            b"POST /a%20b/%C3%A9?c=%20 HTTP/1.1\r\nHost: example:8\r\nX-One: 1\r\nx-one: 2\r\nContent-Length: 3\r\n\r\n"
        )
        assert (request.method, request.http_version, request.scheme) == ("POST", "1.1", "https")
        assert (request.target, request.raw_path) == (b"/a%20b/%C3%A9?c=%20", b"/a%20b/%C3%A9")
        assert (request.path, request.query_string) == ("/a b/é", b"c=%20")
        assert (request.host, request.client, request.server) == ("example:8", ("192.0.2.1", 5), "/run/a.sock")
        assert (request.content_length, request.has_body) == (3, True)
        assert (request.header("X-ONE"), request.header("x-two")) == ("1, 2", None)
        assert request.raw_headers() == [
            (b"host", b"example:8"),
            (b"x-one", b"1"),
            (b"x-one", b"2"),
            (b"content-length", b"3"),
        ]
        assert request.params == {}

    def test_its_client_is_known_even_after_it_left(self) -> None:
        harness = Harness()
        first = harness.pipe
        harness.open()
        clients: list[Any] = []

        def serve(request: Recorder) -> str:
            if not clients:
                harness.pipe.feed(GET)
                harness.pipe.lost()
            clients.append((request.client, request.peer, request.scheme))
            return ""

        harness.serve(serve)
        first.feed(GET)
        harness.run_turns()
        assert clients == [(("192.0.2.1", 5), ("192.0.2.1", 5), "https")] * 2

    def test_the_path_of_an_absolute_target_may_be_empty(self) -> None:
        request = Harness().waiting(b"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (request.path, request.raw_path) == ("/", b"/")

    def test_an_exchange_without_an_engine(self) -> None:
        with pytest.raises(RuntimeError, match="not made by an engine"):
            _ = Recorder().method


class TestReceive:
    def test_parts_as_they_arrive(self) -> None:
        harness = Harness()
        request = harness.waiting(POST + b"he")
        request.receive()
        assert request.take() == b"he"
        assert request.take() is None
        assert not request.body_complete
        harness.pipe.feed(b"llo")
        assert request.calls[-1] == "readable"
        assert request.take() == b"llo"
        assert (request.take(), request.body_complete) == (b"", True)

    def test_a_request_without_a_body(self) -> None:
        request = Harness().waiting(GET)
        request.receive()
        assert (request.take(), request.body_complete, request.content_length) == (b"", True, None)

    def test_trailers(self) -> None:
        request = Harness().waiting(CHUNKED + b"1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n")
        request.receive()
        assert request.take() == b"a"
        assert request.trailers() == [(b"x-sum", b"1")]

    def test_100_continue_is_sent_when_the_body_is_received(self) -> None:
        harness = Harness()
        request = harness.waiting(POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        assert harness.output() == b""
        request.receive()
        assert harness.output() == b"HTTP/1.1 100 Continue\r\n\r\n"

    def test_a_content_length_past_the_limit(self) -> None:
        request = Harness(body_size=4).waiting(POST)
        with pytest.raises(BodyTooLarge):
            request.receive()
        request.receive(5)

    def test_chunks_past_the_limit(self) -> None:
        harness = Harness(body_size=4)
        request = harness.waiting(CHUNKED)
        request.receive()
        harness.pipe.feed(b"5\r\nhello\r\n0\r\n\r\n")
        assert request.calls == ["readable"]
        with pytest.raises(BodyTooLarge):
            request.take()

    def test_malformed_chunks(self) -> None:
        harness = Harness()
        request = harness.waiting(CHUNKED)
        request.receive()
        harness.pipe.feed(b"1\r\na\r\nx\r\n")
        assert request.take() == b"a"
        with pytest.raises(BadBody):
            request.take()

    def test_a_client_that_leaves_within_the_body(self) -> None:
        harness = Harness()
        request = harness.waiting(POST + b"he")
        request.receive()
        harness.pipe.lost()
        assert request.calls[-1] == "gone: the client left"
        assert request.take() == b"he"
        with pytest.raises(Disconnected):
            request.take()

    def test_back_pressure(self) -> None:
        harness = Harness(read_buffer=10)
        request = harness.waiting(POST.replace(b"5", b"100"))
        request.receive()
        harness.pipe.feed(bytes(30))
        harness.pipe.feed(bytes(20))
        assert harness.sink.calls == ["pause"]
        assert request.take() == bytes(30)
        harness.run_turns()
        assert request.take() == bytes(20)
        harness.run_turns()
        assert harness.sink.calls == ["pause", "resume"]


class TestCollect:
    def test_one_call_when_the_body_is_complete(self) -> None:
        harness = Harness()
        request = harness.waiting(POST + b"he")
        request.collect()
        assert (request.take(), request.calls) == (None, [])
        harness.pipe.feed(b"llo")
        assert (request.take(), request.calls) == (b"hello", ["readable"])
        assert request.spool is None

    def test_a_body_that_has_arrived_is_complete_at_once(self) -> None:
        request = Harness().waiting(POST + b"hello")
        request.collect()
        assert (request.body_complete, request.take(), request.calls) == (True, b"hello", [])

    def test_a_large_body_goes_to_a_file(self) -> None:
        harness = Harness(spool_size=10)
        request = harness.waiting(POST.replace(b"5", b"25"))
        request.collect()
        harness.pipe.feed(b"x" * 15)
        harness.pipe.feed(b"y" * 10)
        assert request.body_complete
        assert request.take() == b""
        with request.spool as file:
            assert file.read() == b"x" * 15 + b"y" * 10

    def test_collecting_after_the_first_part_was_received(self) -> None:
        harness = Harness(read_buffer=10)
        request = harness.waiting(POST.replace(b"5", b"25") + b"x" * 15)
        request.receive()
        harness.pipe.feed(b"y" * 5)
        request.collect()
        harness.pipe.feed(b"z" * 5)
        assert (request.body_complete, request.take()) == (True, b"x" * 15 + b"y" * 5 + b"z" * 5)

    def test_a_body_that_has_arrived_is_taken_at_once(self) -> None:
        request = Harness().waiting(POST + b"hello")
        assert (request.collect_and_take(), request.body_complete, request.calls) == (b"hello", True, [])
        assert request.collect_and_take() == b""

    def test_a_body_that_has_not_arrived_is_collected(self) -> None:
        harness = Harness()
        request = harness.waiting(POST + b"he")
        assert request.collect_and_take() is None
        harness.pipe.feed(b"llo")
        assert (request.calls, request.collect_and_take()) == (["readable"], b"hello")

    def test_a_large_body_is_not_taken(self) -> None:
        request = Harness(spool_size=4).waiting(POST + b"hello")
        assert (request.collect_and_take(), request.body_complete) == (None, True)
        with request.spool as file:
            assert file.read() == b"hello"

    def test_a_streamed_body_is_not_collected(self) -> None:
        request = Harness().waiting(POST + b"hello")
        request.streamed = True
        assert (request.collect_and_take(), request.body_complete) == (None, False)

    @pytest.mark.parametrize("limit", [None, 4, 6])
    @pytest.mark.parametrize("name", ["receive", "collect", "collect_and_take"])
    def test_middleware_lowers_the_limit(self, name: str, limit: int | None) -> None:
        request = Harness().waiting(POST)
        request.middleware_body_limit = 4 if limit == 6 else 5
        if limit is None:
            getattr(request, name)()
            return
        with pytest.raises(BodyTooLarge, match="4 bytes"):
            getattr(request, name)(limit)

    def test_a_handler_of_whole_bodies_is_called_when_the_body_is_complete(self) -> None:
        harness = Harness()
        harness.serve(lambda request: request.take(), whole_body=True)
        assert harness.exchange(POST + b"he") == b""
        assert harness.body_of(b"llo") == b"hello"
        assert harness.body_of(POST + b"again") == b"again"
        assert harness.body_of(GET) == b""

    def test_a_handler_of_whole_bodies_is_not_called_for_a_bad_body(self) -> None:
        def handler(request: Recorder) -> str:
            raise AssertionError("not called")

        harness = Harness()
        harness.serve(handler, whole_body=True, body_limit=4)
        assert harness.exchange(POST).endswith(b"BodyTooLarge")
        harness.open()
        assert harness.exchange(CHUNKED + b"5\r\nhello\r\n").endswith(b"BodyTooLarge")
        harness.open()
        assert harness.exchange(CHUNKED + b"x\r\n").endswith(b"BadBody")
        assert [type(error) for error in harness.service.failed] == [BodyTooLarge, BodyTooLarge, BadBody]


class TestResponse:
    def test_a_whole_response(self) -> None:
        harness = Harness()
        request = harness.waiting()
        assert (request.started, request.finished, request.status) == (False, False, None)
        request.respond(201, [("X-One", "1"), (b"x-two", b"\xe9")], b"made")
        output = harness.output()
        assert output.startswith(b"HTTP/1.1 201 Created\r\n")
        assert output.endswith(b"\r\nX-One: 1\r\nx-two: \xe9\r\n\r\nmade")
        assert (request.started, request.finished, request.gone) == (True, True, False)
        assert (request.status, request.bytes_sent) == (201, 4)

    @pytest.mark.parametrize("status", [status for status in HTTPStatus if status >= 200])
    def test_the_reason_phrase_is_the_one_of_error_pages(self, status: HTTPStatus) -> None:
        harness = Harness()
        harness.waiting().respond(status, (), b"")
        assert harness.output().partition(b"\r\n")[0] == f"HTTP/1.1 {status:d} {phrase(status)}".encode()

    def test_reason_phrases_of_rfc_9110(self) -> None:
        phrases = {302: "Found", 404: "Not Found", 413: "Content Too Large", 422: "Unprocessable Content"}
        assert {status: phrase(status) for status in phrases} == phrases

    def test_text_is_utf_8(self) -> None:
        harness = Harness()
        harness.waiting().respond(200, (), "é")
        assert harness.output().endswith("é".encode())

    def test_a_large_body_is_not_copied_and_lives_until_it_is_sent(self) -> None:
        harness = Harness()
        request = harness.waiting()
        harness.pipe.pause()
        body = os.urandom(300_000)
        request.respond(200, (), bytes(bytearray(body)))
        assert harness.output() == b""
        harness.pipe.resume()
        assert harness.output().endswith(body)

    def test_a_stream(self) -> None:
        harness = Harness()
        request = harness.waiting()
        request.begin(200, ())
        assert (request.started, request.finished) == (True, False)
        assert request.write(b"one")
        request.end([("X-Sum", "1")])
        assert harness.output().endswith(b"\r\n\r\n3\r\none\r\n0\r\nX-Sum: 1\r\n\r\n")
        assert (request.finished, request.bytes_sent) == (True, 3)

    def test_a_stream_of_a_known_length(self) -> None:
        harness = Harness()
        request = harness.waiting()
        request.begin(200, (), 3)
        request.write(b"one")
        request.end()
        assert harness.output().endswith(b"\r\n\r\none")

    def test_a_region_of_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"0123456789")
        harness = Harness()
        request = harness.waiting()
        with (tmp_path / "file").open("rb") as file:
            request.respond_file(200, (), file.fileno(), 2, 5)
        assert harness.output().endswith(b"\r\nContent-Length: 5\r\n\r\n23456")

    def test_a_file_that_is_not_open(self) -> None:
        harness = Harness()
        request = harness.waiting()
        with pytest.raises(OSError, match="descriptor"):
            request.respond_file(200, (), NEVER_OPEN, 0, 5)
        request.respond(500, (), b"")

    def test_an_interim_response(self) -> None:
        harness = Harness()
        request = harness.waiting()
        request.interim(103, [("Link", "</a>")])
        assert harness.output() == b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        assert not request.started
        request.respond(200, (), b"")

    def test_the_last_response_of_a_connection(self) -> None:
        harness = Harness()
        request = harness.waiting()
        request.close_after()
        request.respond(200, (), b"")
        assert b"\r\nConnection: close\r\n" in harness.output()
        assert harness.sink.calls == ["close"]

    def test_an_aborted_response(self) -> None:
        harness = Harness()
        request = harness.waiting()
        request.begin(200, ())
        request.abort()
        harness.run_turns()
        assert (request.calls, harness.sink.calls) == (["gone: the handler aborted the exchange"], ["close"])
        request.abort()

    def test_on_done_is_called_if_it_is_wanted(self) -> None:
        for notified, calls in ((True, ["done"]), (False, [])):
            request = Harness().waiting()
            request.notify_done = notified
            request.respond(200, (), b"")
            assert request.calls == calls

    def test_pressure(self) -> None:
        harness = Harness(write_buffer=10)
        request = harness.waiting()
        request.begin(200, ())
        harness.pipe.pause()
        assert not request.write(bytes(100))
        assert request.calls == []
        harness.pipe.resume()
        harness.run_turns()
        assert request.calls == ["writable"]
        assert request.write(b"x")

    def test_pressure_lasts_until_the_queue_is_short(self) -> None:
        harness = Harness(write_buffer=100)
        request = harness.waiting()
        request.begin(200, [])
        harness.pipe.pause()
        pressures = [request.pressure]
        for data in (bytes(200), b"one more"):
            assert not request.write(data)
            pressures.append(request.pressure)
        harness.pipe.resume()
        harness.run_turns()
        assert [*pressures, request.pressure] == [False, True, True, False]

    def test_on_writable_is_not_called_if_the_queue_is_full_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        harness = Harness(write_buffer=1024)
        request = harness.waiting()
        harness.pipe.pause()
        request.begin(200, (), None)
        assert not request.write(bytes(4000))

        def refill(data: bytes) -> None:
            monkeypatch.undo()
            harness.pipe.pause()
            assert not request.write(bytes(4000))

        monkeypatch.setattr(harness.sink, "write", refill)
        harness.pipe.resume()
        assert (request.calls, request.pressure) == ([], True)
        harness.pipe.resume()
        assert (request.calls, request.pressure) == (["writable"], False)

    def test_an_upgrade(self) -> None:
        harness = Harness()
        request = harness.waiting(GET + b"behind")
        request.upgrade([("Upgrade", "rope")])
        assert harness.output() == b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: rope\r\n\r\n"
        request.receive()
        assert request.take() == b"behind"
        harness.pipe.feed(b"more")
        assert request.take() == b"more"
        request.write(b"raw")
        request.end()
        assert harness.output() == b"raw"
        harness.pipe.eof()
        assert harness.sink.calls == ["end_writing", "close"]


class TestMistakes:
    @pytest.mark.parametrize(
        "mistake",
        [
            lambda request: request.respond(200, (), b"again"),
            lambda request: request.begin(200, ()),
            lambda request: request.write(b"more"),
            lambda request: request.end(),
            lambda request: request.interim(103, ()),
            lambda request: request.upgrade(()),
            lambda request: request.close_after(),
        ],
    )
    def test_a_command_after_the_end(self, mistake: Any) -> None:
        harness = Harness()
        request = harness.waiting()
        request.respond(200, (), b"once")
        harness.output()
        with pytest.raises(ResponseEnded):
            mistake(request)
        assert harness.output() == b""
        assert harness.exchange() == b"", "the connection waits for its next request"
        with pytest.raises(ResponseEnded):
            mistake(request)

    def test_a_second_head(self) -> None:
        request = Harness().waiting()
        request.begin(200, ())
        with pytest.raises(ResponseStarted):
            request.begin(200, ())
        with pytest.raises(ResponseStarted):
            request.respond(200, (), b"")

    def test_a_wrong_length(self) -> None:
        harness = Harness()
        request = harness.waiting()
        request.begin(200, (), 3)
        with pytest.raises(WrongLength, match="RW303"):
            request.write(b"four")
        harness.run_turns()
        assert harness.sink.calls == ["close"]

    @pytest.mark.parametrize(
        "field", [("X", "a\r\nb"), ("X", "a\n"), ("X", "a\0"), ("X\r\n", "a"), ("", "a"), ("X Y", "a"), ("X", "\u20ac")]
    )
    def test_invalid_fields(self, field: tuple[str, str]) -> None:
        harness = Harness()
        request = harness.waiting()
        with pytest.raises((InvalidField, UnicodeEncodeError)):
            request.respond(200, [field], b"")
        request.respond(500, (), b"")
        assert harness.output().startswith(b"HTTP/1.1 500 ")

    @pytest.mark.parametrize("status", [0, 99, 100, 101, 600, 1000])
    def test_invalid_statuses(self, status: int) -> None:
        request = Harness().waiting()
        with pytest.raises(InvalidField):
            request.respond(status, (), b"")
        request.respond(500, (), b"")

    def test_a_body_of_another_type(self) -> None:
        request = Harness().waiting()
        with pytest.raises(TypeError):
            request.respond(200, (), bytearray(b"x"))  # type: ignore[arg-type]
        with pytest.raises((TypeError, ValueError)):
            request.respond(200, [("only a name",)], b"")  # type: ignore[list-item]
        request.respond(200, (), b"")

    def test_a_command_after_the_client_left(self) -> None:
        harness = Harness()
        request = harness.waiting()
        harness.pipe.lost()
        assert (request.gone, request.finished, request.calls) == (True, True, ["gone: the client left"])
        for mistake in (lambda: request.respond(200, (), b""), lambda: request.write(b""), request.end):
            with pytest.raises(Disconnected):
                mistake()
        request.abort()
