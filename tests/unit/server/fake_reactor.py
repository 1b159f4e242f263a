"""A fake reactor that is already running, as a reactor is under trial, and servers on it."""

from typing import Any

from twisted.internet.testing import MemoryReactorClock

from ropewalk import App, Limits


class Reactor(MemoryReactorClock):
    """Twisted's fake reactor, which makes its calls at once, because it is already running."""

    def callWhenRunning(self, callable: Any, *args: Any, **kw: Any) -> None:  # noqa: A002 - as Twisted calls it
        callable(*args, **kw)

    def callFromThread(self, callable: Any, *args: Any, **kw: Any) -> None:  # noqa: A002 - as Twisted calls it
        callable(*args, **kw)

    def fire_shutdown(self) -> Any:
        """The results of the triggers before the shutdown."""
        return [call(*args, **options) for call, args, options in self.triggers["before"]["shutdown"]]


LONG_TURNS = Limits(turn_time=60)
"""A turn handles all events, however slow the machine is."""

HELLO = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def make() -> App:
    # a turn must not end early, because some of these reactors run no second one
    app = App(limits=Limits(turn_time=60))
    app.get("/")(lambda request: "Hello")
    return app
