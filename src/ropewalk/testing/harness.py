"""The engine of a test: turned by whatever runs, and let go of when nothing is under way."""

import sys
from asyncio import _get_running_loop as running_loop
from collections.abc import Callable
from typing import Any, Final

from ropewalk._engine import Pipe
from ropewalk.app import App
from ropewalk.server import Service
from ropewalk.server.reader import watch
from ropewalk.testing.wire import ProtocolError, Reader
from ropewalk.waiting import Waiter

CLIENT: Final = ("127.0.0.1", 50000)
SERVER: Final = ("127.0.0.1", 80)


class Harness:
    """An app's engine without sockets: made for the first connection, closed after the last, so that nothing of it is
    left in the loop or the reactor between requests.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self._service: Service | None = None
        self._unwatch: Callable[[], object]
        self._open = 0

    def connect(self, method: str, *, secure: bool = False) -> "Wire":
        """A new connection, for one request."""
        if self._service is None:
            runner: Any = running_loop() or _reactor()
            self._service = Service(self.app, getattr(runner, "call_later", None) or runner.callLater)
            self._unwatch = watch(self._service.engine, runner)
        self._open += 1
        return Wire(self, self._service, method, secure=secure)

    def closed(self) -> None:
        """A connection is over."""
        self._open -= 1
        if not self._open and self._service is not None:
            service, self._service = self._service, None
            self._unwatch()
            service.close()


class Wire:
    """One connection: the engine's sink on one side, a reader of the answer on the other."""

    def __init__(self, harness: Harness, service: Service, method: str, *, secure: bool) -> None:
        self.reader = Reader(method)
        self.error: ProtocolError | None = None
        self.flowing = True
        """Whether the engine takes more of the request."""
        self._harness = harness
        self._news: Waiter[None] | None = None
        self._over = False
        self._pipe: Pipe = service.engine.open_pipe(self, client=CLIENT, server=SERVER, secure=secure)

    def send(self, data: bytes) -> None:
        """Bytes for the server."""
        self._pipe.feed(data)

    def news(self) -> Waiter[None]:
        """Fires when something has come from the server."""
        self._news = Waiter()
        return self._news

    def pause(self) -> None:
        """The client's end is full."""
        self._pipe.pause()

    def resume(self) -> None:
        """It has room again."""
        self._pipe.resume()

    def leave(self) -> None:
        """Close the connection, whatever is under way."""
        if not self._over:
            self._over = True
            self._pipe.lost()
            self._harness.closed()

    # Called by the engine

    def write(self, data: bytes, /) -> None:
        """Bytes from the server."""
        try:
            self.reader.feed(data)
        except ProtocolError as error:
            self.error = error
        self._tell()

    def end_writing(self) -> None:
        """The server has said all, and would read on."""
        self.close()

    def close(self) -> None:
        """The server has closed."""
        try:
            self.reader.end()
        except ProtocolError as error:
            self.error = error
        self._tell()

    def abort(self) -> None:
        """The server has cut the connection."""
        self.close()

    def pause_reading(self) -> None:
        """The server has no room for more of the request."""
        self.flowing = False

    def resume_reading(self) -> None:
        """It has again."""
        self.flowing = True
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, None
        if news is not None and not news.called:
            news.callback(None)


def _reactor() -> Any:
    if "twisted.internet.reactor" not in sys.modules:
        raise RuntimeError("AsyncClient is for coroutines that asyncio or a reactor runs. In a plain test use Client.")
    from twisted.internet import reactor

    return reactor
