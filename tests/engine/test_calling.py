"""Which handler the engine calls, how, and what it does with what comes back."""

import gc
import weakref
from contextvars import ContextVar
from typing import Any

import pytest
from tests.engine.world import GET, Recorder, World

from ropewalk._engine import PENDING, Endpoint

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
    def test_plain_ones_are_answered_at_once(self, value: Any, content_type: bytes, body: bytes) -> None:
        world = World()
        world.serve(lambda request: value)
        head, _, came = world.exchange().partition(b"\r\n\r\n")
        assert came == body
        assert b"\r\nContent-Type: %s" % content_type in head
        assert b"\r\nContent-Length: %d" % len(body) in head
        assert world.service.delivered == []

    def test_an_endpoint_has_its_own_types(self) -> None:
        world = World()
        world.serve(lambda request: "<p>", text_type="text/html; charset=utf-8")
        assert b"\r\nContent-Type: text/html; charset=utf-8\r\n" in world.exchange()

    @pytest.mark.parametrize("value", [None, 5, type("Text", (str,), {})("derived"), object()])
    def test_all_others_are_delivered_by_the_service(self, value: Any) -> None:
        world = World()
        world.serve(lambda request: value)
        assert world.exchange() == b""
        assert world.service.delivered == [value]

    def test_a_prepared_exchange_leaves_every_value_to_the_service(self) -> None:
        def prepare(request: Recorder) -> str:
            request.prepared = True
            return "text"

        world = World()
        world.serve(prepare)
        assert world.exchange() == b""
        assert world.service.delivered == ["text"]

    def test_a_coroutine_is_driven_and_its_value_answered(self) -> None:
        async def handler(request: Recorder) -> str:
            return "driven"

        world = World()
        world.serve(handler)
        assert world.ask() == b"driven"

    def test_a_coroutine_that_is_pending_is_left_alone(self) -> None:
        async def handler(request: Recorder) -> str:
            return "never driven"

        def drive(request: Any, coroutine: Any, context: Any, /) -> Any:
            coroutine.close()
            return PENDING

        world = World()
        world.service.drive = drive  # type: ignore[method-assign]
        world.serve(handler)
        assert world.exchange() == b""
        assert (world.service.delivered, world.engine.running_exchanges) == ([], 1)


class TestErrors:
    def test_an_exception_goes_to_the_service_with_its_traceback(self) -> None:
        def handler(request: Recorder) -> str:
            raise LookupError("lost")

        world = World()
        world.serve(handler)
        assert world.exchange().endswith(b"LookupError")
        traceback = world.service.failed[0].__traceback__
        assert traceback is not None
        assert traceback.tb_frame.f_code is handler.__code__

    def test_so_does_one_of_resolve(self) -> None:
        def resolve(request: Any, /) -> Endpoint:
            raise LookupError("no such path")

        world = World()
        world.service.resolve = resolve  # type: ignore[method-assign]
        assert world.exchange().endswith(b"LookupError")
        assert world.exchange().endswith(b"LookupError"), "the connection lives on"

    def test_a_value_that_cannot_be_encoded_is_delivered(self) -> None:
        """The service has the value to look for what is wrong with it."""
        value = {"a": object()}
        world = World()
        world.serve(lambda request: value)
        world.exchange()
        assert world.service.delivered == [value]

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_where_the_service_fails_too_the_connection_is_cut(self) -> None:
        def fail(request: Any, error: BaseException, /) -> None:
            raise RuntimeError("all is lost")

        world = World()
        world.service.fail = fail  # type: ignore[method-assign]
        world.serve(lambda request: 1 / 0)
        assert world.exchange() == b""
        assert world.sink.calls == ["close"]
        assert world.engine.running_exchanges == 0


class TestResolving:
    def test_a_static_path_is_asked_for_once(self) -> None:
        world = World()
        world.serve(lambda request: "x", static=True)
        for _ in range(3):
            world.ask()
        assert world.service.resolved == ["/"]

    def test_each_method_is_asked_for(self) -> None:
        world = World()
        world.serve(lambda request: "x", static=True)
        for start in (b"GET /", b"POST /", b"GET /?a", b"POST /?b"):
            world.ask(start + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert world.service.resolved == ["/", "/"]

    def test_any_other_path_is_asked_for_each_time(self) -> None:
        world = World()
        world.serve(lambda request: "x")
        world.ask()
        world.ask()
        assert world.service.resolved == ["/", "/"]

    def test_so_is_an_encoded_one(self) -> None:
        world = World()
        world.serve(lambda request: "x", static=True)
        for _ in range(2):
            world.ask(b"GET /%61 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert world.service.resolved == ["/a", "/a"]

    def test_a_changed_tree_is_asked_again(self) -> None:
        world = World()
        world.serve(lambda request: "old", static=True)
        assert world.ask() == b"old"
        world.serve(lambda request: "new", static=True)
        assert world.ask() == b"new"

    def test_parameters_are_passed_where_the_handler_wants_them(self) -> None:
        def resolve(request: Any, /) -> Endpoint:
            request.params = {"name": "Ada"}
            return Endpoint(lambda request, name: f"Hello, {name}", pass_params=True)

        world = World()
        world.service.resolve = resolve  # type: ignore[method-assign]
        assert world.ask() == b"Hello, Ada"


class TestContext:
    def test_every_request_has_its_own(self) -> None:
        def handler(request: Recorder) -> str:
            before = local.get()
            local.set("changed")
            return before

        world = World()
        world.serve(handler)
        assert world.ask() == b"unset"
        assert world.ask() == b"unset"
        assert local.get() == "unset"


class TestReentrance:
    """A handler may call whatever it likes."""

    def test_a_handler_that_feeds_another_connection(self) -> None:
        world = World()
        other = world.sink
        first = world.pipe
        world.open()

        def handler(request: Recorder) -> str:
            if request.path == "/first":
                first.feed(GET)
            return request.path

        world.serve(handler)
        assert world.ask(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n") == b"/first"
        assert other.bytes.endswith(b"\r\n\r\n/")

    def test_a_handler_that_drains(self) -> None:
        world = World()

        def handler(request: Recorder) -> str:
            world.engine.drain()
            return "last"

        world.serve(handler)
        assert b"\r\nConnection: close\r\n" in world.exchange()
        assert (world.sink.calls, world.service.cut) == (["close"], 0)

    def test_a_handler_that_closes_the_engine(self) -> None:
        world = World()
        seen: list[Recorder] = []

        def handler(request: Recorder) -> str:
            seen.append(request)
            assert world.engine.close() == 1
            return "too late"

        world.serve(handler)
        assert world.exchange() == b""
        assert world.sink.calls == ["abort"]
        assert seen[0].told == ["gone: the server stopped"]

    def test_a_handler_that_changes_the_tree(self) -> None:
        world = World()

        def handler(request: Recorder) -> str:
            world.serve(lambda request: "second")
            return "first"

        world.serve(handler, static=True)
        assert world.ask() == b"first"
        assert world.ask() == b"second"


class TestMemory:
    def test_an_exchange_goes_when_its_answer_is_complete(self) -> None:
        world = World()
        seen: list[weakref.ref[Any]] = []

        def handler(request: Recorder) -> str:
            seen.append(weakref.ref(request))
            return "x"

        world.serve(handler)
        world.ask()
        assert seen[0]() is None

    def test_an_engine_goes_with_its_service(self) -> None:
        world = World()
        world.serve(lambda request: "x", static=True)
        world.ask()
        engine = weakref.ref(world.engine)
        del world
        gc.collect()
        assert engine() is None

    def test_an_exchange_that_waits_goes_with_its_engine(self) -> None:
        world = World()
        request = weakref.ref(world.waiting())
        assert request() is not None
        del world
        gc.collect()
        assert request() is None

    def test_an_engine_that_its_service_knows_goes_too(self) -> None:
        world = World()
        world.service.engine = world.engine  # type: ignore[attr-defined]
        world.serve(lambda request: "x", static=True)
        world.ask()
        engine = weakref.ref(world.engine)
        del world
        gc.collect()
        assert engine() is None
