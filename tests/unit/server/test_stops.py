"""Servers that are stopped before they have started, and stop hooks that do not end."""

import re
from asyncio import CancelledError
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.server.fake_reactor import Reactor, make
from twisted.internet.defer import Deferred

from ropewalk import App, Limits
from ropewalk.errors import StartError
from ropewalk.resource import Hosted


class Unstarted(Reactor):
    """A reactor that has not run an iteration."""

    def callWhenRunning(self, callable: Any, *args: Any, **kw: Any) -> None:  # noqa: A002 - as Twisted calls it
        """Do nothing, because the reactor never runs."""


def starts(port: Any) -> list[Any]:
    """The result of a start."""
    outcomes: list[Any] = []
    port.started().addBoth(outcomes.append)
    return outcomes


class TestBeforeTheStart:
    def test_before_the_reactor_has_made_its_first_call(self) -> None:
        port = make().listen(Unstarted(), "tcp:0:interface=127.0.0.1")
        before = starts(port)
        assert port.stopListening().called
        for outcome in (*before, *starts(port)):
            with pytest.raises(StartError, match="RW403 The app was stopped before its start was complete."):
                outcome.raiseException()
        assert len(before) == 1

    def test_while_a_start_hook_runs(self, log: Log) -> None:
        app = make()
        app.on_start(Deferred)
        port = app.listen(Reactor(), "tcp:0:interface=127.0.0.1")
        outcomes = starts(port)
        assert port.stopListening().called
        with pytest.raises(StartError, match="RW403 The app was stopped before its start was complete."):
            outcomes[0].raiseException()
        assert log.text == ""

    def test_a_start_that_has_finished_is_kept(self) -> None:
        port = make().listen(Reactor(), "tcp:0:interface=127.0.0.1")
        assert port.stopListening().called
        assert starts(port) == [None]


class TestHooks:
    def test_abort_cancels_a_hook_that_hangs_and_calls_the_others(self, log: Log) -> None:
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
        assert re.search(r"The stop hook \S+hanging at \S+test_stops.py:\d+ was cancelled\.", log.text)

    @pytest.mark.parametrize(
        ("event", "kind", "seconds"),
        [("on_stopping", "on_stopping", 9), ("on_stop", "stop", 9), ("on_stop", "stop", 2)],
    )
    def test_a_hook_that_hangs_is_named_and_cancelled_in_the_end(
        self, event: str, kind: str, seconds: float, log: Log
    ) -> None:
        reactor, app = Reactor(), make()
        calls: list[str] = []
        app.on_stop(lambda: calls.append("other"))

        def hanging() -> Deferred[None]:
            return Deferred(lambda _: calls.append("cancelled"))

        getattr(app, event)(hanging)
        port = app.listen(reactor, "tcp:0:interface=127.0.0.1", limits=Limits(drain_timeout=seconds))
        bound = seconds if kind == "on_stopping" else max(seconds, 5)
        stopped = port.stopListening()
        assert log.text == ""
        reactor.advance(1)
        who = rf"{kind} hook \S+hanging at \S+test_stops\.py:\d+"
        assert re.search(rf"Stopping: waiting up to {bound - 1} s more for the {who}\.", log.text)
        reactor.advance(bound - 1.01)
        assert calls == []
        reactor.advance(0.02)
        assert calls == ["cancelled", "other"]
        assert stopped.called
        assert re.search(rf"The {who} was cancelled after {bound} s\.", log.text)
        assert not reactor.getDelayedCalls()

    @pytest.mark.parametrize("event", ["on_stopping", "on_stop"])
    def test_the_next_step_waits_for_a_cancelled_hook(self, event: str) -> None:
        app = make()
        calls: list[str] = []
        end: Deferred[None] = Deferred()

        @app.on_stop
        def other() -> None:
            calls.append("other")

        @getattr(app, event)  # type: ignore[untyped-decorator, unused-ignore]
        async def hanging() -> None:
            try:
                await Deferred()
            finally:
                await end
                calls.append("ended")

        port = app.listen(Reactor(), "tcp:0:interface=127.0.0.1")
        stopped = port.stopListening()
        port.server.abort()
        assert calls == []
        end.callback(None)
        assert calls == ["ended", "other"]
        assert stopped.called

    @pytest.mark.parametrize("event", ["on_stopping", "on_stop"])
    def test_a_hook_that_ignores_cancellation_is_abandoned(self, event: str, log: Log) -> None:
        reactor, app = Reactor(), make()
        end: Deferred[None] = Deferred()

        async def stubborn() -> None:
            never: Deferred[None] = Deferred()
            try:
                await never
            except CancelledError:
                await end
                raise LookupError from None

        getattr(app, event)(stubborn)
        port = app.listen(reactor, "tcp:0:interface=127.0.0.1")
        ends: list[Any] = []
        port.stopListening().addCallback(ends.append)
        port.server.abort()
        assert ends == []
        reactor.advance(1)
        assert ends == [None]
        assert "does not end when it is cancelled. The server stops without waiting for it." in log.text
        assert not reactor.getDelayedCalls()
        end.callback(None)
        assert "failed after the server had stopped waiting for it" in log.text

    def test_a_hook_that_other_code_cancels(self, log: Log) -> None:
        app = make()
        waits: list[Deferred[None]] = [Deferred()]
        app.on_stop(lambda: waits[0])
        stopped = app.listen(Reactor(), "tcp:0:interface=127.0.0.1").stopListening()
        waits[0].cancel()
        assert stopped.called
        assert re.search(r"The stop hook .* was cancelled\.", log.text)

    def test_abort_after_the_last_hook_does_nothing(self, log: Log) -> None:
        app = make()
        app.on_stop(lambda: None)
        port = app.listen(Reactor(), "tcp:0:interface=127.0.0.1")
        assert port.stopListening().called
        port.server.abort()
        assert log.text == ""


class Working(Hosted):
    """A hosted application with work after its responses."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[float | None] = []
        self.cuts = 0
        self.idle: Deferred[None] = Deferred()

    async def finish_calls(self, seconds: float | None) -> None:
        self.given.append(seconds)
        await self.idle

    def cut_calls(self) -> None:
        self.cuts += 1
        if self.given and not self.idle.called:
            self.idle.callback(None)


class TestDeadline:
    """One deadline applies to the whole stop."""

    @pytest.fixture
    def stopping(self) -> tuple[Any, Reactor, list[Working], list[str]]:
        """A server that stops, two applications with work, and the hooks that were called."""
        app = App(limits=Limits(drain_timeout=10))
        called: list[str] = []
        works = [Working(), Working()]
        app.mount("/a", works[0])
        app.mount("/b", works[1])
        app.on_stop(lambda: called.append("stopped"))
        begun: Deferred[None] = Deferred(lambda _: None)
        app.on_stopping(lambda: begun)
        reactor = Reactor()
        port = app.listen(reactor, "tcp:0:interface=127.0.0.1")
        port.stopListening()
        reactor.advance(4)
        begun.callback(None)
        return port.server, reactor, works, called

    def test_all_applications_share_the_time_that_is_left(self, stopping: Any, log: Log) -> None:
        _, _, works, called = stopping
        assert [work.given for work in works] == [[6.0]] * 2
        works[0].idle.callback(None)
        assert called == []
        works[1].idle.callback(None)
        assert called == ["stopped"]
        assert log.text == ""

    def test_abort_cancels_all_of_them(self, stopping: Any) -> None:
        server, _, works, called = stopping
        server.abort()
        assert [work.cuts for work in works] == [1, 1]
        assert called == ["stopped"]

    def test_an_abort_before_leaves_no_time(self) -> None:
        app = App()
        work = Working()
        app.mount("/", work)
        app.on_stopping(Deferred)
        port = app.listen(Reactor(), "tcp:0:interface=127.0.0.1")
        port.stopListening()
        port.server.abort()
        assert work.given == [0.0]
        work.idle.callback(None)
