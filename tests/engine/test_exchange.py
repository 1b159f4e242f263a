"""One request and its answer."""

import os
from pathlib import Path
from typing import Any

import pytest
from tests.engine.world import GET, Recorder, World

from ropewalk.errors import (
    AnswerOver,
    AnswerStarted,
    BadBody,
    BodyTooLarge,
    Disconnected,
    InvalidField,
    WrongLength,
)

POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


class TestRequest:
    def test_what_it_says(self) -> None:
        request = World().waiting(
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

    def test_its_client_is_known_though_it_has_left_before_the_request_is_served(self) -> None:
        world = World()
        first = world.pipe
        world.open()
        clients: list[Any] = []

        def serve(request: Recorder) -> str:
            if not clients:
                world.pipe.feed(GET)
                world.pipe.lost()
            clients.append((request.client, request.peer, request.scheme))
            return ""

        world.serve(serve)
        first.feed(GET)
        world.settle()
        assert clients == [(("192.0.2.1", 5), ("192.0.2.1", 5), "https")] * 2

    def test_the_path_of_an_absolute_target_may_be_empty(self) -> None:
        request = World().waiting(b"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (request.path, request.raw_path) == ("/", b"/")

    def test_one_that_no_engine_made_says_so(self) -> None:
        with pytest.raises(RuntimeError, match="not made by an engine"):
            _ = Recorder().method


class TestReceive:
    def test_parts_as_they_come(self) -> None:
        world = World()
        request = world.waiting(POST + b"he")
        request.receive()
        assert request.take() == b"he"
        assert request.take() is None
        assert not request.body_complete
        world.pipe.feed(b"llo")
        assert request.told[-1] == "readable"
        assert request.take() == b"llo"
        assert (request.take(), request.body_complete) == (b"", True)

    def test_a_request_without_a_body(self) -> None:
        request = World().waiting(GET)
        request.receive()
        assert (request.take(), request.body_complete, request.content_length) == (b"", True, None)

    def test_trailers(self) -> None:
        request = World().waiting(CHUNKED + b"1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n")
        request.receive()
        assert request.take() == b"a"
        assert request.trailers() == [(b"x-sum", b"1")]

    def test_100_continue_is_sent_when_somebody_reads(self) -> None:
        world = World()
        request = world.waiting(POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        assert world.output() == b""
        request.receive()
        assert world.output() == b"HTTP/1.1 100 Continue\r\n\r\n"

    def test_too_much_by_its_length(self) -> None:
        request = World(body_size=4).waiting(POST)
        with pytest.raises(BodyTooLarge):
            request.receive()
        request.receive(5)

    def test_too_much_in_chunks(self) -> None:
        world = World(body_size=4)
        request = world.waiting(CHUNKED)
        request.receive()
        world.pipe.feed(b"5\r\nhello\r\n0\r\n\r\n")
        assert request.told == ["readable"]
        with pytest.raises(BodyTooLarge):
            request.take()

    def test_malformed_chunks(self) -> None:
        world = World()
        request = world.waiting(CHUNKED)
        request.receive()
        world.pipe.feed(b"1\r\na\r\nx\r\n")
        assert request.take() == b"a"
        with pytest.raises(BadBody):
            request.take()

    def test_a_client_that_leaves_within_it(self) -> None:
        world = World()
        request = world.waiting(POST + b"he")
        request.receive()
        world.pipe.lost()
        assert request.told[-1] == "gone: the client left"
        assert request.take() == b"he"
        with pytest.raises(Disconnected):
            request.take()

    def test_back_pressure(self) -> None:
        world = World(read_buffer=10)
        request = world.waiting(POST.replace(b"5", b"100"))
        request.receive()
        world.pipe.feed(bytes(30))
        world.pipe.feed(bytes(20))
        assert world.sink.calls == ["pause"]
        assert request.take() == bytes(30)
        world.settle()
        assert request.take() == bytes(20)
        world.settle()
        assert world.sink.calls == ["pause", "resume"]


class TestCollect:
    def test_one_word_when_it_is_whole(self) -> None:
        world = World()
        request = world.waiting(POST + b"he")
        request.collect()
        assert (request.take(), request.told) == (None, [])
        world.pipe.feed(b"llo")
        assert (request.take(), request.told) == (b"hello", ["readable"])
        assert request.spool is None

    def test_what_is_there_already_is_there_at_once(self) -> None:
        request = World().waiting(POST + b"hello")
        request.collect()
        assert (request.body_complete, request.take(), request.told) == (True, b"hello", [])

    def test_a_large_one_goes_to_a_file(self) -> None:
        world = World(spool_size=10)
        request = world.waiting(POST.replace(b"5", b"25"))
        request.collect()
        world.pipe.feed(b"x" * 15)
        world.pipe.feed(b"y" * 10)
        assert request.body_complete
        assert request.take() == b""
        with request.spool as file:
            assert file.read() == b"x" * 15 + b"y" * 10

    def test_after_a_look_at_its_first_part(self) -> None:
        world = World(read_buffer=10)
        request = world.waiting(POST.replace(b"5", b"25") + b"x" * 15)
        request.receive()
        world.pipe.feed(b"y" * 5)
        request.collect()
        world.pipe.feed(b"z" * 5)
        assert (request.body_complete, request.take()) == (True, b"x" * 15 + b"y" * 5 + b"z" * 5)

    def test_a_handler_of_whole_bodies_is_called_when_it_is_whole(self) -> None:
        world = World()
        world.serve(lambda request: request.take(), whole_body=True)
        assert world.exchange(POST + b"he") == b""
        assert world.ask(b"llo") == b"hello"
        assert world.ask(POST + b"again") == b"again"
        assert world.ask(GET) == b""

    def test_and_not_where_it_is_too_large_or_bad(self) -> None:
        def handler(request: Recorder) -> str:
            raise AssertionError("not called")

        world = World()
        world.serve(handler, whole_body=True, body_limit=4)
        assert world.exchange(POST).endswith(b"BodyTooLarge")
        world.open()
        assert world.exchange(CHUNKED + b"5\r\nhello\r\n").endswith(b"BodyTooLarge")
        world.open()
        assert world.exchange(CHUNKED + b"x\r\n").endswith(b"BadBody")
        assert [type(error) for error in world.service.failed] == [BodyTooLarge, BodyTooLarge, BadBody]


class TestAnswer:
    def test_a_whole_one(self) -> None:
        world = World()
        request = world.waiting()
        assert (request.started, request.finished, request.status) == (False, False, None)
        request.respond(201, [("X-One", "1"), (b"x-two", b"\xe9")], b"made")
        output = world.output()
        assert output.startswith(b"HTTP/1.1 201 Created\r\n")
        assert output.endswith(b"\r\nX-One: 1\r\nx-two: \xe9\r\n\r\nmade")
        assert (request.started, request.finished, request.gone) == (True, True, False)
        assert (request.status, request.bytes_sent) == (201, 4)

    def test_text_is_utf_8(self) -> None:
        world = World()
        world.waiting().respond(200, (), "é")
        assert world.output().endswith("é".encode())

    def test_a_large_one_is_not_copied_and_lives_as_long_as_it_must(self) -> None:
        world = World()
        request = world.waiting()
        world.pipe.pause()
        body = os.urandom(300_000)
        request.respond(200, (), bytes(bytearray(body)))
        assert world.output() == b""
        world.pipe.resume()
        assert world.output().endswith(body)

    def test_a_stream(self) -> None:
        world = World()
        request = world.waiting()
        request.begin(200, ())
        assert (request.started, request.finished) == (True, False)
        assert request.write(b"one")
        request.end([("X-Sum", "1")])
        assert world.output().endswith(b"\r\n\r\n3\r\none\r\n0\r\nX-Sum: 1\r\n\r\n")
        assert (request.finished, request.bytes_sent) == (True, 3)

    def test_a_stream_of_a_known_length(self) -> None:
        world = World()
        request = world.waiting()
        request.begin(200, (), 3)
        request.write(b"one")
        request.end()
        assert world.output().endswith(b"\r\n\r\none")

    def test_a_region_of_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"0123456789")
        world = World()
        request = world.waiting()
        with (tmp_path / "file").open("rb") as file:
            request.respond_file(200, (), file.fileno(), 2, 5)
        assert world.output().endswith(b"\r\nContent-Length: 5\r\n\r\n23456")

    def test_a_file_that_is_not_open(self) -> None:
        world = World()
        request = world.waiting()
        with pytest.raises(OSError, match="descriptor"):
            request.respond_file(200, (), 999, 0, 5)
        request.respond(500, (), b"")

    def test_an_interim_one(self) -> None:
        world = World()
        request = world.waiting()
        request.interim(103, [("Link", "</a>")])
        assert world.output() == b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        assert not request.started
        request.respond(200, (), b"")

    def test_the_last_one(self) -> None:
        world = World()
        request = world.waiting()
        request.close_after()
        request.respond(200, (), b"")
        assert b"\r\nConnection: close\r\n" in world.output()
        assert world.sink.calls == ["close"]

    def test_an_aborted_one(self) -> None:
        world = World()
        request = world.waiting()
        request.begin(200, ())
        request.abort()
        world.settle()
        assert (request.told, world.sink.calls) == (["gone: the handler aborted the exchange"], ["close"])
        request.abort()

    def test_the_end_is_told_where_somebody_watches(self) -> None:
        for watched, told in ((True, ["done"]), (False, [])):
            request = World().waiting()
            request.notify_done = watched
            request.respond(200, (), b"")
            assert request.told == told

    def test_pressure(self) -> None:
        world = World(write_buffer=10)
        request = world.waiting()
        request.begin(200, ())
        world.pipe.pause()
        assert not request.write(bytes(100))
        assert request.told == []
        world.pipe.resume()
        world.settle()
        assert request.told == ["writable"]
        assert request.write(b"x")

    def test_pressure_lasts_until_the_queue_is_short(self) -> None:
        world = World(write_buffer=100)
        request = world.waiting()
        request.begin(200, [])
        world.pipe.pause()
        pressures = [request.pressure]
        for data in (bytes(200), b"one more"):
            assert not request.write(data)
            pressures.append(request.pressure)
        world.pipe.resume()
        world.settle()
        assert [*pressures, request.pressure] == [False, True, True, False]

    def test_room_that_is_filled_before_it_is_told_is_not_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world = World(write_buffer=1024)
        request = world.waiting()
        world.pipe.pause()
        request.begin(200, (), None)
        assert not request.write(bytes(4000))

        def refill(data: bytes) -> None:
            monkeypatch.undo()
            world.pipe.pause()
            assert not request.write(bytes(4000))

        monkeypatch.setattr(world.sink, "write", refill)
        world.pipe.resume()
        assert (request.told, request.pressure) == ([], True)
        world.pipe.resume()
        assert (request.told, request.pressure) == (["writable"], False)

    def test_an_upgrade(self) -> None:
        world = World()
        request = world.waiting(GET + b"behind")
        request.upgrade([("Upgrade", "rope")])
        assert world.output() == b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: rope\r\n\r\n"
        request.receive()
        assert request.take() == b"behind"
        world.pipe.feed(b"more")
        assert request.take() == b"more"
        request.write(b"raw")
        request.end()
        assert world.output() == b"raw"
        world.pipe.eof()
        assert world.sink.calls == ["end_writing", "close"]


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
    def test_after_the_end(self, mistake: Any) -> None:
        world = World()
        request = world.waiting()
        request.respond(200, (), b"once")
        world.output()
        with pytest.raises(AnswerOver):
            mistake(request)
        assert world.output() == b""
        assert world.exchange() == b"", "the connection waits for its next answer"
        with pytest.raises(AnswerOver):
            mistake(request)

    def test_a_second_head(self) -> None:
        request = World().waiting()
        request.begin(200, ())
        with pytest.raises(AnswerStarted):
            request.begin(200, ())
        with pytest.raises(AnswerStarted):
            request.respond(200, (), b"")

    def test_a_wrong_length(self) -> None:
        world = World()
        request = world.waiting()
        request.begin(200, (), 3)
        with pytest.raises(WrongLength, match="RW303"):
            request.write(b"four")
        world.settle()
        assert world.sink.calls == ["close"]

    @pytest.mark.parametrize(
        "field", [("X", "a\r\nb"), ("X", "a\n"), ("X", "a\0"), ("X\r\n", "a"), ("", "a"), ("X Y", "a"), ("X", "\u20ac")]
    )
    def test_fields_that_are_not_fit_for_the_wire(self, field: tuple[str, str]) -> None:
        world = World()
        request = world.waiting()
        with pytest.raises((InvalidField, UnicodeEncodeError)):
            request.respond(200, [field], b"")
        request.respond(500, (), b"")
        assert world.output().startswith(b"HTTP/1.1 500 ")

    @pytest.mark.parametrize("status", [0, 99, 100, 101, 600, 1000])
    def test_statuses_that_are_none(self, status: int) -> None:
        request = World().waiting()
        with pytest.raises(InvalidField):
            request.respond(status, (), b"")
        request.respond(500, (), b"")

    def test_a_body_of_another_type(self) -> None:
        request = World().waiting()
        with pytest.raises(TypeError):
            request.respond(200, (), bytearray(b"x"))  # type: ignore[arg-type]
        with pytest.raises((TypeError, ValueError)):
            request.respond(200, [("only a name",)], b"")  # type: ignore[list-item]
        request.respond(200, (), b"")

    def test_after_the_client_has_left(self) -> None:
        world = World()
        request = world.waiting()
        world.pipe.lost()
        assert (request.gone, request.finished, request.told) == (True, True, ["gone: the client left"])
        for mistake in (lambda: request.respond(200, (), b""), lambda: request.write(b""), request.end):
            with pytest.raises(Disconnected):
                mistake()
        request.abort()
