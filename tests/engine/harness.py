"""An engine without a reactor: a service that records calls, and clients at the other end of pipes."""

import asyncio
import json
import select
from collections.abc import Callable
from typing import Any

from ropewalk._engine import Engine, EngineHandler, Exchange, Limits
from ropewalk.errors import Disconnected

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"

NEVER_OPEN = 2**31 - 1
"""A descriptor that is larger than the largest one of a process on Linux."""


class Recorder(Exchange):
    """An exchange that records the calls of the engine."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def on_readable(self) -> None:
        self.calls.append("readable")

    def on_writable(self) -> None:
        self.calls.append("writable")

    def on_gone(self, reason: str, /) -> None:
        self.calls.append(f"gone: {reason}")

    def on_done(self) -> None:
        self.calls.append("done")


class FakeService:
    """Resolves every request to one handler, and records the calls of the engine."""

    request = Recorder
    json_types = ()

    def __init__(self) -> None:
        self.engine_handler = EngineHandler(lambda request: None)
        self.resolved: list[str] = []
        self.sent_values: list[Any] = []
        self.failed: list[BaseException] = []
        self.reports: list[tuple[str, str, str]] = []
        self.blocked: list[tuple[str, str]] = []
        """Reports of a blocked reactor. A slow machine causes them too."""
        self.armed: list[float] = []
        self.cut: int | None = None
        self.log_ready = 0

    @staticmethod
    def encode_json(value: Any) -> bytes:
        return json.dumps(value).encode()

    def resolve(self, request: Any, /) -> EngineHandler:
        self.resolved.append(request.path)
        return self.engine_handler

    def drive(self, request: Any, coroutine: Any, context: Any, /) -> Any:
        return asyncio.run(coroutine)

    def send_value(self, request: Any, value: Any, /) -> None:
        self.sent_values.append(value)

    def fail(self, request: Any, error: BaseException, /) -> None:
        self.failed.append(error)
        if not request.started and not isinstance(error, Disconnected):
            request.respond(500, (), type(error).__name__)

    def arm(self, seconds: float, /) -> None:
        self.armed.append(seconds)

    def drained(self, cut: int, /) -> None:
        self.cut = cut

    def report(self, level: str, code: str, message: str, /) -> None:
        if code == "RW306":
            self.blocked.append((level, message))
        else:
            self.reports.append((level, code, message))

    def access_log_ready(self) -> None:
        self.log_ready += 1


class Sink:
    """Records the output of a pipe and the calls of the engine."""

    def __init__(self) -> None:
        self.bytes = b""
        self.calls: list[str] = []

    def write(self, data: bytes, /) -> None:
        self.bytes += data

    def end_writing(self) -> None:
        self.calls.append("end_writing")

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")


class Harness:
    """An engine, its service, and one pipe into the engine. Unless a test sets another limit, a turn handles events as
    long as it has any, however slow the machine is."""

    def __init__(self, **limits: float) -> None:
        limits.setdefault("turn_time", 60)  # a turn must not end early if the machine is slow
        self.service = FakeService()
        self.engine = Engine(self.service, Limits(turn_time=60).replace(**limits))
        self.open()

    def open(self) -> None:
        """Open a new pipe instead of the current one."""
        self.sink = Sink()
        self.pipe = self.engine.open_pipe(self.sink, client=("192.0.2.1", 5), server="/run/a.sock", secure=True)

    def serve(self, call: Callable[..., Any], **options: Any) -> None:
        """Call this handler from now on."""
        self.service.engine_handler = EngineHandler(call, **options)
        self.engine.forget_handlers()

    def run_turns(self) -> None:
        """Run turns until the engine has no work."""
        ready = select.poll()  # unlike select(2), it takes descriptors from 1024 on, which a long run of tests has
        ready.register(self.engine, select.POLLIN)
        while ready.poll(0):
            self.engine.turn()

    def body_of(self, data: bytes = GET) -> bytes:
        """Send bytes, and return the body of a 200 response."""
        head, _, body = self.exchange(data).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        return body

    def exchange(self, data: bytes = GET) -> bytes:
        """Send bytes, and return the output."""
        self.pipe.feed(data)
        return self.output()

    def output(self) -> bytes:
        """The output since the last call."""
        self.run_turns()
        taken, self.sink.bytes = self.sink.bytes, b""
        return taken

    def waiting(self, data: bytes = GET) -> Recorder:
        """Send a request whose handler does not respond."""
        requests: list[Recorder] = []
        self.serve(requests.append)
        self.pipe.feed(data)
        return requests[0]
