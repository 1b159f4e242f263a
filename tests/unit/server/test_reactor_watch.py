"""The engine among the readers of a reactor, in a forked process."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from ropewalk.errors import EngineError
from ropewalk.forks import ServingChildren
from ropewalk.server.reactor_watch import watch

epollreactor = pytest.importorskip("twisted.internet.epollreactor")


class Changed(epollreactor.EPollReactor):  # type: ignore[misc, name-defined]
    """The reactor of a version of Twisted in which `_poller` has another name."""

    running = False

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def addReader(self, reader: Any) -> None:
        """This method is part of the interface of every reactor."""

    def callWhenRunning(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.calls.append(call)


def test_a_child_whose_reactor_cannot_watch_raises() -> None:
    reactor = Changed()
    children = ServingChildren()
    engine: Any = SimpleNamespace(fileno=lambda: -1, turn=lambda: None)
    watch(engine, reactor).after_fork_in_child(children)
    (begin,) = reactor.calls
    with pytest.raises(EngineError, match="Changed has no `_poller`") as raised:
        begin()
    assert raised.value.code == "RW511"
    assert not children, "it does not serve"
