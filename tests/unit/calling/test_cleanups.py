"""Cleanups that continue to run after the responses."""

import gc
from collections.abc import Callable
from typing import Any

from tests.unit.conftest import Log
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from ropewalk.calling import Cleanups, StopHooks, start


async def wait(until: Deferred[None], then: Callable[[], object] = lambda: None) -> None:
    await until
    then()


def test_one_that_does_not_wait_is_not_kept() -> None:
    cleanups = Cleanups()
    done: Deferred[None] = Deferred()
    done.callback(None)
    cleanups.run(wait(done))
    assert not cleanups
    assert start(cleanups.finish()).called


def test_all_are_waited_for_and_those_that_they_begin() -> None:
    cleanups = Cleanups()
    waits: list[Deferred[None]] = [Deferred() for _ in range(3)]
    cleanups.run(wait(waits[0], lambda: cleanups.run(wait(waits[2]))))
    cleanups.run(wait(waits[1]))
    finished = start(cleanups.finish())
    for each in waits:
        assert cleanups
        assert not finished.called
        each.callback(None)
    assert finished.called
    assert not cleanups


def test_a_stop_cancels_those_that_take_too_long(log: Log) -> None:
    cleanups = Cleanups()
    cancelled: list[Any] = []
    cleanups.run(wait(Deferred(cancelled.append)))
    clock = Clock()
    hooks = StopHooks(clock.callLater, 10)
    finished = start(hooks.call_stop(cleanups.finish))
    clock.advance(1)
    assert "cleanup of dependencies" in log.text
    clock.advance(9)
    assert len(cancelled) == 1
    assert finished.called
    assert not cleanups
    assert "was cancelled after 10 s" in log.text


def test_cancelling_the_wait_cancels_them(log: Log) -> None:
    cleanups = Cleanups()
    cancelled: list[Any] = []
    cleanups.run(wait(Deferred(cancelled.append)))
    finished = start(cleanups.finish())
    finished.addErrback(lambda failure: failure.trap(CancelledError) and None)
    finished.cancel()
    assert len(cancelled) == 1
    del cleanups, finished
    gc.collect()
    assert log.text == ""  # not even Twisted's "Unhandled error in Deferred"
