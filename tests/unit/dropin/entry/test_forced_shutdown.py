"""A second signal, while what runs is being finished."""

import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ropewalk.dropin.entry.forced_shutdown import force_shutdown_at_next_signal

BOTH = (signal.SIGINT, signal.SIGTERM)


class Reactor:
    """As far as signals go."""

    def sigInt(self, *_: Any) -> None:
        raise AssertionError

    def sigTerm(self, *_: Any) -> None:
        raise AssertionError

    def callFromThread(self, call: Callable[[], object]) -> None:
        call()


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    """One that has the signals."""
    reactor = Reactor()
    before = [signal.signal(signal.SIGINT, reactor.sigInt), signal.signal(signal.SIGTERM, reactor.sigTerm)]
    yield reactor
    for number, handler in zip(BOTH, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", BOTH)
def test_it_cuts_and_the_next_one_kills(reactor: Reactor, number: signal.Signals) -> None:
    cuts: list[str] = []
    force_shutdown_at_next_signal(reactor, lambda: cuts.append("cut"))
    signal.raise_signal(number)
    assert cuts == ["cut"]
    assert signal.getsignal(number) is signal.SIG_DFL


def test_several_wait_for_it(reactor: Reactor) -> None:
    cuts: list[str] = []
    take_back = force_shutdown_at_next_signal(reactor, lambda: cuts.append("first"))
    force_shutdown_at_next_signal(reactor, lambda: cuts.append("second"))
    take_back()
    signal.raise_signal(signal.SIGTERM)
    assert sorted(cuts) == ["first", "second"]


def test_it_is_taken_back(reactor: Reactor) -> None:
    force_shutdown_at_next_signal(reactor, lambda: None)()
    assert [signal.getsignal(number) for number in BOTH] == [reactor.sigInt, reactor.sigTerm]


def test_a_program_that_answers_by_itself_goes_on_to(reactor: Reactor) -> None:
    cuts: list[str] = []
    signal.signal(signal.SIGINT, lambda *_: cuts.append("by the program"))
    force_shutdown_at_next_signal(reactor, lambda: cuts.append("cut"))
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGTERM)
    assert cuts == ["by the program", "cut"]
