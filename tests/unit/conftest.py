"""Fixtures for the unit tests."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import twisted.internet
from twisted.internet.task import Clock
from twisted.logger import LogEvent, LogLevel, formatEvent, globalLogPublisher

from ropewalk.asgi import call_runner


class Log(list[LogEvent]):
    """The events that were logged."""

    @property
    def text(self) -> str:
        """The events as lines."""
        return "\n".join(formatEvent(event) for event in self)


@pytest.fixture
def log() -> Iterator[Log]:
    """The events that are logged in the test, except reports of a blocked reactor, which depend on the machine, and
    events of the level debug, which the command line does not show by default."""
    with observed(lambda event: event.get("code") != "RW306" and not _is_debug(event)) as events:
        yield events


@pytest.fixture
def debug_log() -> Iterator[Log]:
    """The events of the level debug."""
    with observed(_is_debug) as events:
        yield events


def _is_debug(event: LogEvent) -> bool:
    return event.get("log_level") is LogLevel.debug


@pytest.fixture(autouse=True)
def no_log_of_short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not log how long a stop waits for an ASGI application, because that depends on the machine."""
    monkeypatch.setattr(call_runner, "LOG_DELAY", 60)


@pytest.fixture
def blocking_log() -> Iterator[Log]:
    """The reports of a blocked reactor."""
    with observed(lambda event: event.get("code") == "RW306") as events:
        yield events


@contextmanager
def observed(wanted: Callable[[LogEvent], bool]) -> Iterator[Log]:
    events = Log()

    def observe(event: LogEvent) -> None:
        if wanted(event):
            events.append(event)

    globalLogPublisher.addObserver(observe)  # type: ignore[arg-type] # a function is an observer
    yield events
    globalLogPublisher.removeObserver(observe)  # type: ignore[arg-type] # the same


@pytest.fixture
def run() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Runs a coroutine as an asyncio program does."""
    return asyncio.run


@pytest.fixture
def reactor(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A fake clock as the reactor, which is not the asyncio reactor."""
    clock = Clock()
    monkeypatch.setattr(twisted.internet, "reactor", clock, raising=False)
    return clock
