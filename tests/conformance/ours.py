"""Reads requests with our engine, without a socket."""

import select
from collections.abc import Iterable
from typing import Any

from tests.conformance.reading import Message, Reading
from tests.engine.harness import FakeService, Sink

from ropewalk._engine import PENDING, Engine, EngineHandler, Exchange
from ropewalk.errors import BadBody


class Note(Exchange):
    """A request that records its body as it arrives."""

    def on_readable(self) -> None:
        self.service.go_on(self)


class Notebook(FakeService):
    """A service that records every request, and responds to the complete ones."""

    request: Any = Note

    def __init__(self) -> None:
        super().__init__()
        self.engine_handler = EngineHandler(self.begin)
        self.messages: list[Message] = []
        self.why = ""

    def begin(self, request: Note) -> Any:
        method, fields = request.method.encode(), request.raw_headers()
        self.messages.append(Message(method, request.target, request.http_version, fields))
        request.receive(1 << 60)
        self.go_on(request)
        return PENDING

    def go_on(self, request: Note) -> None:
        if request.started:
            return
        message = self.messages[-1]
        try:
            while part := request.take():
                message.body += part
        except BadBody:
            request.respond(400, (), b"")
            return
        if part is not None:
            message.trailers = request.trailers()
            message.complete = True
            request.respond(204, (), b"")

    def report(self, level: str, code: str, message: str, /) -> None:
        """Record a refusal: `192.0.2.1: 400 there is no Host`."""
        if code == "RW510":
            self.why = message.partition(": ")[2].partition(" ")[2]


def read(pieces: Iterable[bytes]) -> Reading:
    """The requests in the pieces, as a handler sees them."""
    service, sink = Notebook(), Sink()
    engine = Engine(service)
    engine.set_debug(True)
    pipe = engine.open_pipe(sink, client=("192.0.2.1", 5))
    for piece in pieces:
        pipe.feed(piece)
    while select.select([engine], [], [], 0)[0]:
        engine.turn()
    engine.close()
    assert service.failed == []
    ended = "end_writing" in sink.calls or "close" in sink.calls
    ending = "refused" if service.why else "closed" if ended else "open"
    return Reading(service.messages, ending, service.why)
