"""A second signal during a graceful shutdown."""

import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ropewalk.dropin.forced_shutdown import force_shutdown_at_next_signal

BOTH = (signal.SIGINT, signal.SIGTERM)


class Reactor:
    """The part of a reactor that handles signals."""

    def sigInt(self, *_: Any) -> None:
        raise AssertionError

    def sigTerm(self, *_: Any) -> None:
        raise AssertionError

    def callFromThread(self, call: Callable[[], object]) -> None:
        call()


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    """A reactor whose signal handlers are installed."""
    reactor = Reactor()
    before = [signal.signal(signal.SIGINT, reactor.sigInt), signal.signal(signal.SIGTERM, reactor.sigTerm)]
    yield reactor
    for number, handler in zip(BOTH, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", BOTH)
def test_the_signal_forces_and_the_next_one_kills(reactor: Reactor, number: signal.Signals) -> None:
    calls: list[str] = []
    force_shutdown_at_next_signal(reactor, lambda: calls.append("forced"))
    signal.raise_signal(number)
    assert calls == ["forced"]
    assert signal.getsignal(number) is signal.SIG_DFL


def test_several_handlers_are_called(reactor: Reactor) -> None:
    calls: list[str] = []
    restore = force_shutdown_at_next_signal(reactor, lambda: calls.append("first"))
    force_shutdown_at_next_signal(reactor, lambda: calls.append("second"))
    restore()
    signal.raise_signal(signal.SIGTERM)
    assert sorted(calls) == ["first", "second"]


def test_the_handlers_are_restored(reactor: Reactor) -> None:
    force_shutdown_at_next_signal(reactor, lambda: None)()
    assert [signal.getsignal(number) for number in BOTH] == [reactor.sigInt, reactor.sigTerm]


def test_a_handler_of_the_program_is_not_replaced(reactor: Reactor) -> None:
    calls: list[str] = []
    signal.signal(signal.SIGINT, lambda *_: calls.append("by the program"))
    force_shutdown_at_next_signal(reactor, lambda: calls.append("forced"))
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGTERM)
    assert calls == ["by the program", "forced"]
