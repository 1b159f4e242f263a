"""The support of the engine for logs: it notes requests, sets fields of the access log, and measures the time."""

import json
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
from tests.engine.harness import Harness

from ropewalk._engine import Engine

current: ContextVar[Any] = ContextVar("current", default=None)
WITH_BODY = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"


def responding(function: Callable[[Any], object]) -> Callable[[Any], str]:
    """A handler that calls a function, and responds."""

    def handler(request: Any) -> str:
        function(request)
        return "x"

    return handler


class TestNotes:
    def test_the_function_gets_each_request_in_its_context(self) -> None:
        harness = Harness()
        seen: list[bool] = []
        harness.serve(responding(lambda request: seen.append(current.get() is request)))
        harness.body_of()
        harness.engine.note_requests(current.set)
        harness.body_of()
        harness.engine.note_requests(None)
        harness.body_of()
        assert seen == [False, True, False]
        assert current.get() is None

    def test_a_handler_that_waits_for_the_body(self) -> None:
        harness = Harness()
        seen: list[bool] = []
        harness.serve(responding(lambda request: seen.append(current.get() is request)), whole_body=True)
        harness.engine.note_requests(current.set)
        harness.pipe.feed(WITH_BODY)
        assert seen == []
        harness.pipe.feed(b"abc")
        assert seen == [True]

    def test_an_exception_does_not_fail_the_request(self, monkeypatch: pytest.MonkeyPatch) -> None:
        raised: list[Any] = []
        monkeypatch.setattr("sys.unraisablehook", raised.append)
        harness = Harness()
        harness.serve(lambda request: "x")
        harness.engine.note_requests(lambda request: 1 / 0)
        assert harness.body_of() == b"x"
        assert [type(each.exc_value) for each in raised] == [ZeroDivisionError]


class TestFields:
    def test_a_template(self) -> None:
        harness = Harness()
        names = harness.engine.set_access_log("template", template="{path} {room} {status} {other}")
        assert names == ["room", "other"]

        def handler(request: Any) -> str:
            request.set_log_field("room", b'"a\\n"')
            request.set_log_field("room", b'"b\\n"')
            request.set_log_field("unknown", b"1")
            return "x"

        harness.serve(handler)
        harness.body_of()
        assert harness.engine.take_access_log() == b"/ b\\n 200 -\n"

    def test_json(self) -> None:
        harness = Harness()
        harness.engine.set_access_log("fields", fields=["status", "room"], secrets=["token"])
        harness.serve(responding(lambda request: request.set_log_field("room", b'{"id": 5}')))
        harness.body_of()
        assert json.loads(harness.engine.take_access_log()) == {"status": 200, "room": {"id": 5}}

    def test_after_the_end_of_the_response(self) -> None:
        harness = Harness()
        harness.engine.set_access_log("json")
        kept: list[Any] = []
        harness.serve(responding(lambda request: kept.append(request)))
        harness.body_of()
        kept[0].set_log_field("room", b"5")
        assert kept[0].elapsed is None
        harness.body_of()
        assert b"room" not in harness.engine.take_access_log()

    def test_without_a_log(self) -> None:
        harness = Harness()
        harness.serve(responding(lambda request: request.set_log_field("room", b"5")))
        assert harness.body_of() == b"x"

    def test_the_elapsed_time(self) -> None:
        harness = Harness()
        times: list[float] = []
        harness.serve(responding(lambda request: times.extend((request.elapsed, request.elapsed))))
        harness.body_of()
        assert 0 <= times[0] <= times[1] < 60

    def test_checks(self) -> None:
        assert Engine.check_access_log("template", template="{a} {path}") == ["a"]
        with pytest.raises(ValueError, match="it has no field"):
            Engine.check_access_log("fields")
