"""Servers that are stopped before they have started, and stop hooks that do not end."""

import re
import signal
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.server.test_server import Reactor, make
from twisted.internet.defer import Deferred

from ropewalk.errors import StartError
from ropewalk.server.running import _handle_signals


class Unstarted(Reactor):
    """A reactor before its first iteration."""

    def callWhenRunning(self, callable: Any, *args: Any, **kw: Any) -> None:  # noqa: A002 - as Twisted calls it
        """It never runs."""


def starts(port: Any) -> list[Any]:
    """What has become of the start."""
    outcomes: list[Any] = []
    port.started().addBoth(outcomes.append)
    return outcomes


class TestBeforeTheStart:
    def test_before_the_reactor_has_made_its_first_call(self) -> None:
        port = make().listen(Unstarted(), "tcp:0:interface=127.0.0.1")
        before = starts(port)
        assert port.stopListening().called
        for outcome in (*before, *starts(port)):
            with pytest.raises(StartError, match="RW403 It was stopped before it had started."):
                outcome.raiseException()
        assert len(before) == 1

    def test_while_a_start_hook_runs(self, log: Log) -> None:
        app = make()
        app.on_start(Deferred)
        port = app.listen(Reactor(), "tcp:0:interface=127.0.0.1")
        outcomes = starts(port)
        assert port.stopListening().called
        with pytest.raises(StartError, match="RW403 It was stopped before it had started."):
            outcomes[0].raiseException()
        assert log.text == ""

    def test_a_start_that_was_is_not_undone(self) -> None:
        port = make().listen(Reactor(), "tcp:0:interface=127.0.0.1")
        assert port.stopListening().called
        assert starts(port) == [None]


class TestHooks:
    def test_abort_cancels_one_that_hangs_and_calls_the_others(self, log: Log) -> None:
        app = make()
        calls: list[str] = []

        @app.on_stop
        def other() -> None:
            calls.append("other")

        @app.on_stop
        def hanging() -> Deferred[None]:
            return Deferred(lambda _: calls.append("cancelled"))

        port = app.listen(Reactor(), "tcp:0:interface=127.0.0.1")
        ends: list[Any] = []
        port.stopListening().addCallback(ends.append)
        assert ends == []
        port.server.abort()
        assert ends == [None]
        assert calls == ["cancelled", "other"]
        assert re.search(r"The stop hook \S+hanging was cancelled.", log.text)

    def test_abort_after_the_last_hook_is_nothing(self, log: Log) -> None:
        app = make()
        app.on_stop(lambda: None)
        port = app.listen(Reactor(), "tcp:0:interface=127.0.0.1")
        assert port.stopListening().called
        port.server.abort()
        assert log.text == ""


class TestSignals:
    def test_one_that_comes_while_another_is_answered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Python calls a handler between any two instructions, those of a handler included."""
        handlers: dict[int, Any] = {}
        calls: list[Any] = []
        nested: list[int] = []

        def handle(number: int, handler: Any) -> None:
            for _ in range(len(nested)):
                handlers[nested.pop()](signal.SIGINT, None)
            handlers[number] = handler

        monkeypatch.setattr(signal, "signal", handle)
        server: Any = SimpleNamespace(abort="abort")
        reactor: Any = SimpleNamespace(callFromThread=lambda call: calls.append(getattr(call, "__name__", call)))
        _handle_signals(reactor, server)
        answer = handlers[signal.SIGTERM]
        answer(signal.SIGTERM, None)
        nested += [signal.SIGINT]
        answer(signal.SIGTERM, None)
        assert calls == ["drain", "abort"]
        assert {handlers[number] for number in (signal.SIGINT, signal.SIGTERM)} == {signal.SIG_DFL}
