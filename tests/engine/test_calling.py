"""Calls of handlers: which handler is called, how, and what the engine does with the returned value."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from contextvars import ContextVar, copy_context
from typing import Any

import pytest
from tests.engine.harness import GET, Harness, Recorder

from ropewalk._engine import PENDING, EngineHandler
from ropewalk.calling import CoroutineRunner

local: ContextVar[str] = ContextVar("local", default="unset")


class TestValues:
    @pytest.mark.parametrize(
        ("value", "content_type", "body"),
        [
            ("text é", b"text/plain; charset=utf-8", "text é".encode()),
            (b"bytes", b"application/octet-stream", b"bytes"),
            ({"a": 1}, b"application/json", b'{"a": 1}'),
            ([1, 2], b"application/json", b"[1, 2]"),
            ("", b"text/plain; charset=utf-8", b""),
        ],
    )
    def test_plain_values_become_responses_at_once(self, value: Any, content_type: bytes, body: bytes) -> None:
        harness = Harness()
        harness.serve(lambda request: value)
        head, _, came = harness.exchange().partition(b"\r\n\r\n")
        assert came == body
        assert b"\r\nContent-Type: %s" % content_type in head
        assert b"\r\nContent-Length: %d" % len(body) in head
        assert harness.service.sent_values == []

    def test_a_handler_has_its_own_types(self) -> None:
        harness = Harness()
        harness.serve(lambda request: "<p>", text_type="text/html; charset=utf-8")
        assert b"\r\nContent-Type: text/html; charset=utf-8\r\n" in harness.exchange()

    @pytest.mark.parametrize("value", [None, 5, type("Text", (str,), {})("derived"), object()])
    def test_other_values_go_to_the_service(self, value: Any) -> None:
        harness = Harness()
        harness.serve(lambda request: value)
        assert harness.exchange() == b""
        assert harness.service.sent_values == [value]

    def test_a_prepared_exchange_leaves_every_value_to_the_service(self) -> None:
        def prepare(request: Recorder) -> str:
            request.prepared = True
            return "text"

        harness = Harness()
        harness.serve(prepare)
        assert harness.exchange() == b""
        assert harness.service.sent_values == ["text"]

    def test_the_value_of_a_coroutine_becomes_a_response(self) -> None:
        async def handler(request: Recorder) -> str:
            return "driven"

        harness = Harness()
        harness.serve(handler)
        assert harness.body_of() == b"driven"

    def test_a_coroutine_that_is_pending_is_left_alone(self) -> None:
        async def handler(request: Recorder) -> str:
            return "never driven"

        def drive(request: Any, coroutine: Any, context: Any, /) -> Any:
            coroutine.close()
            return PENDING

        harness = Harness()
        harness.service.drive = drive  # type: ignore[method-assign]
        harness.serve(handler)
        assert harness.exchange() == b""
        assert (harness.service.sent_values, harness.engine.running_exchanges) == ([], 1)


class TestErrors:
    def test_an_exception_goes_to_the_service_with_its_traceback(self) -> None:
        def handler(request: Recorder) -> str:
            raise LookupError("lost")

        harness = Harness()
        harness.serve(handler)
        assert harness.exchange().endswith(b"LookupError")
        traceback = harness.service.failed[0].__traceback__
        assert traceback is not None
        assert traceback.tb_frame.f_code is handler.__code__

    def test_an_exception_of_resolve_goes_to_the_service(self) -> None:
        def resolve(request: Any, /) -> EngineHandler:
            raise LookupError("no such path")

        harness = Harness()
        harness.service.resolve = resolve  # type: ignore[method-assign]
        assert harness.exchange().endswith(b"LookupError")
        assert harness.exchange().endswith(b"LookupError"), "the connection lives on"

    def test_a_value_that_cannot_be_encoded_is_passed_to_send_value(self) -> None:
        """The engine passes a value that it cannot encode to the service, whose error message can name the wrong
        part."""
        value = {"a": object()}
        harness = Harness()
        harness.serve(lambda request: value)
        harness.exchange()
        assert harness.service.sent_values == [value]

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_the_connection_is_aborted_if_the_service_fails_too(self) -> None:
        def fail(request: Any, error: BaseException, /) -> None:
            raise RuntimeError("all is lost")

        harness = Harness()
        harness.service.fail = fail  # type: ignore[method-assign]
        harness.serve(lambda request: 1 / 0)
        assert harness.exchange() == b""
        assert harness.sink.calls == ["close"]
        assert harness.engine.running_exchanges == 0


class TestResolving:
    def test_a_static_path_is_resolved_once(self) -> None:
        harness = Harness()
        harness.serve(lambda request: "x", static=True)
        for _ in range(3):
            harness.body_of()
        assert harness.service.resolved == ["/"]

    def test_each_method_is_resolved(self) -> None:
        harness = Harness()
        harness.serve(lambda request: "x", static=True)
        for start in (b"GET /", b"POST /", b"GET /?a", b"POST /?b"):
            harness.body_of(start + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert harness.service.resolved == ["/", "/"]

    def test_any_other_path_is_resolved_each_time(self) -> None:
        harness = Harness()
        harness.serve(lambda request: "x")
        harness.body_of()
        harness.body_of()
        assert harness.service.resolved == ["/", "/"]

    def test_an_encoded_path_is_resolved_each_time(self) -> None:
        harness = Harness()
        harness.serve(lambda request: "x", static=True)
        for _ in range(2):
            harness.body_of(b"GET /%61 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert harness.service.resolved == ["/a", "/a"]

    def test_paths_are_resolved_again_after_a_change(self) -> None:
        harness = Harness()
        harness.serve(lambda request: "old", static=True)
        assert harness.body_of() == b"old"
        harness.serve(lambda request: "new", static=True)
        assert harness.body_of() == b"new"

    def test_parameters_are_passed_if_the_handler_says_so(self) -> None:
        def resolve(request: Any, /) -> EngineHandler:
            request.params = {"name": "Ada"}
            return EngineHandler(lambda request, name: f"Hello, {name}", pass_params=True)

        harness = Harness()
        harness.service.resolve = resolve  # type: ignore[method-assign]
        assert harness.body_of() == b"Hello, Ada"


class TestContext:
    def test_every_request_has_its_own_context(self) -> None:
        def handler(request: Recorder) -> str:
            before = local.get()
            local.set("changed")
            return before

        harness = Harness()
        harness.serve(handler)
        assert harness.body_of() == b"unset"
        assert harness.body_of() == b"unset"
        assert local.get() == "unset"

    @pytest.mark.parametrize("data", [GET, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"])
    def test_requests_get_copies_of_one_context(self, data: bytes) -> None:
        def handler(request: Recorder) -> str:
            before = local.get()
            local.set("changed")
            return before

        harness = Harness()
        harness.serve(handler)
        context = copy_context()
        context.run(local.set, "at the start")
        harness.engine.use_context(context)
        context = copy_context()
        context.run(local.set, "of another request")
        assert context.run(harness.body_of, data) == b"at the start"
        assert context.run(harness.body_of, data) == b"at the start"

    def test_timers_are_set_in_that_context(self) -> None:
        harness = Harness(head_timeout=100, idle_timeout=1)
        seen: list[str] = []
        harness.service.arm = lambda seconds: seen.append(local.get())  # type: ignore[method-assign]
        harness.engine.use_context(copy_context())
        request = harness.waiting()
        context = copy_context()
        context.run(local.set, "of a request")
        seen.clear()
        context.run(request.respond, 200, (), "text")
        assert seen == ["unset"]

    def test_a_context_is_required(self) -> None:
        wrong: Any = {}
        with pytest.raises(TypeError, match=r"context must be a contextvars\.Context"):
            Harness().engine.use_context(wrong)


class TestLoops:
    """The runner of coroutines looks up the running event loop once in a turn. Each turn must still run its coroutines
    in the loop of its caller."""

    def test_each_turn_runs_in_the_loop_of_its_caller(self) -> None:
        seen: list[tuple[Any, Any]] = []

        async def handler(request: Recorder) -> str:
            task = asyncio.current_task()
            seen.append((asyncio.get_running_loop(), task and task.get_loop()))
            return "driven"

        def serve_two() -> None:
            assert harness.exchange(GET * 2).count(b"driven") == 2

        harness = Harness()
        harness.service.drive = CoroutineRunner()  # type: ignore[method-assign]
        harness.serve(handler)
        for _ in range(2):
            outside_of_tasks(serve_two)
        assert [loop for loop, _ in seen] == [loop for _, loop in seen]
        first, second = seen[0][0], seen[2][0]
        assert [loop for loop, _ in seen] == [first, first, second, second]
        assert first is not second

    def test_a_turn_without_a_loop_follows_one_with_a_loop(self) -> None:
        tasks: list[Any] = []

        async def handler(request: Recorder) -> str:
            try:
                tasks.append(asyncio.current_task())
            except RuntimeError:
                tasks.append(None)
            return "driven"

        harness = Harness()
        harness.service.drive = CoroutineRunner()  # type: ignore[method-assign]
        harness.serve(handler)
        outside_of_tasks(harness.body_of)
        harness.body_of()
        assert (tasks[0] is None, tasks[1]) == (False, None)

    def test_the_loop_is_not_kept(self) -> None:
        async def handler(request: Recorder) -> str:
            return "driven"

        harness = Harness()
        harness.service.drive = CoroutineRunner()  # type: ignore[method-assign]
        harness.serve(handler)
        loop = weakref.ref(outside_of_tasks(harness.body_of))
        gc.collect()
        assert loop() is None


def outside_of_tasks(call: Callable[[], object]) -> asyncio.AbstractEventLoop:
    """Call a function in a new event loop, outside of any task, as a reactor does. Return the loop."""
    with closing(asyncio.new_event_loop()) as loop:
        outcome: Future[object] = Future()

        def run() -> None:
            try:
                outcome.set_result(call())
            except BaseException as error:  # noqa: BLE001 - raised below
                outcome.set_exception(error)
            loop.stop()

        loop.call_soon(run)
        loop.run_forever()
        outcome.result()
        return loop


class TestReentrance:
    """A handler may call any command of the engine."""

    def test_a_handler_that_feeds_another_connection(self) -> None:
        harness = Harness()
        other = harness.sink
        first = harness.pipe
        harness.open()

        def handler(request: Recorder) -> str:
            if request.path == "/first":
                first.feed(GET)
            return request.path

        harness.serve(handler)
        assert harness.body_of(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n") == b"/first"
        assert other.bytes.endswith(b"\r\n\r\n/")

    def test_a_handler_that_drains(self) -> None:
        harness = Harness()

        def handler(request: Recorder) -> str:
            harness.engine.drain()
            return "last"

        harness.serve(handler)
        assert b"\r\nConnection: close\r\n" in harness.exchange()
        assert (harness.sink.calls, harness.service.cut) == (["close"], 0)

    def test_a_handler_that_closes_the_engine(self) -> None:
        harness = Harness()
        seen: list[Recorder] = []

        def handler(request: Recorder) -> str:
            seen.append(request)
            assert harness.engine.close() == 1
            return "too late"

        harness.serve(handler)
        assert harness.exchange() == b""
        assert harness.sink.calls == ["abort"]
        assert seen[0].calls == ["gone: the server stopped"]

    def test_a_handler_that_changes_the_tree(self) -> None:
        harness = Harness()

        def handler(request: Recorder) -> str:
            harness.serve(lambda request: "second")
            return "first"

        harness.serve(handler, static=True)
        assert harness.body_of() == b"first"
        assert harness.body_of() == b"second"


class TestMemory:
    def test_an_exchange_is_freed_when_its_response_is_complete(self) -> None:
        harness = Harness()
        seen: list[weakref.ref[Any]] = []

        def handler(request: Recorder) -> str:
            seen.append(weakref.ref(request))
            return "x"

        harness.serve(handler)
        harness.body_of()
        assert seen[0]() is None

    def test_an_engine_is_freed_with_its_service(self) -> None:
        harness = Harness()
        harness.serve(lambda request: "x", static=True)
        harness.body_of()
        engine = weakref.ref(harness.engine)
        del harness
        gc.collect()
        assert engine() is None

    def test_a_waiting_exchange_is_freed_with_its_engine(self) -> None:
        harness = Harness()
        request = weakref.ref(harness.waiting())
        assert request() is not None
        del harness
        gc.collect()
        assert request() is None

    def test_an_engine_in_a_cycle_with_its_service_is_freed(self) -> None:
        harness = Harness()
        harness.service.engine = harness.engine  # type: ignore[attr-defined]
        harness.serve(lambda request: "x", static=True)
        harness.body_of()
        engine = weakref.ref(harness.engine)
        del harness
        gc.collect()
        assert engine() is None
