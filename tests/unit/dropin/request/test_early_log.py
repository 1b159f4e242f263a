"""Twisted's log before logging begins: events of a site are kept and replayed like any other event."""

import subprocess
import sys
from typing import Any, cast

import pytest
from twisted.logger import LimitedHistoryLogObserver, LogLevel, LogPublisher

from ropewalk.dropin.request import early_log

PROGRAM = """
from twisted.logger import Logger, LogLevel, globalLogBeginner, globalLogPublisher
from ropewalk.dropin.request import early_log

received = []
def publish(number, level=LogLevel.info):
    early_log.publish(globalLogPublisher, level, {
        "log_level": level, "log_namespace": "site", "log_format": "line {number}", "number": number, "log_time": 0,
    })

publish(1)
publish(2)
globalLogPublisher.addObserver(received.append)
publish(3)
globalLogPublisher.removeObserver(received.append)
publish(4, LogLevel.critical)
early = [event["number"] for event in received]
del received[:]
globalLogBeginner.beginLoggingTo([received.append], redirectStandardIO=False)
publish(5)
print(early, [event["number"] for event in received if "number" in event])
"""


def test_events_before_and_after_logging_begins() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == "[3] [1, 2, 3, 4, 5]\n"
    assert done.stderr == "line 4\n"  # Twisted prints critical events


class EarlyLog:
    """A publisher as Twisted's is before logging begins. It counts the events that reach its filter."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.history = LimitedHistoryLogObserver()
        self.filtered = 0
        self.only = LogPublisher(self.history, cast("Any", self._filter))
        self.publisher = LogPublisher(self.only)
        monkeypatch.setattr(early_log, "globalLogPublisher", self.publisher)
        monkeypatch.setattr(early_log, "_OBSERVERS", self.publisher._observers)
        monkeypatch.setattr(early_log, "_ONLY", self.only)
        monkeypatch.setattr(early_log, "_HISTORY", self.history)

    def _filter(self, event: Any) -> None:
        self.filtered += 1

    def publish(self, level: Any) -> None:
        early_log.publish(self.publisher, level, {"log_level": level})


def test_only_critical_events_reach_the_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    logging = EarlyLog(monkeypatch)
    for level in LogLevel.iterconstants():
        logging.publish(level)
    assert logging.filtered == 1
    kept: list[Any] = []
    logging.history.replayTo(cast("Any", kept.append))
    assert [event["log_level"] for event in kept] == list(LogLevel.iterconstants())


def test_an_observer_of_the_program_receives_every_event(monkeypatch: pytest.MonkeyPatch) -> None:
    logging = EarlyLog(monkeypatch)
    received: list[Any] = []
    logging.publisher.addObserver(cast("Any", received.append))
    logging.publish(LogLevel.info)
    assert (len(received), logging.filtered) == (1, 1)


def test_the_observers_of_twisted_are_found() -> None:
    """`early_log` finds Twisted's observers of early events. Otherwise every event would pass through the filter, which
    is slow."""
    program = "from ropewalk.dropin.request import early_log; print(type(early_log._HISTORY).__name__)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == f"{LimitedHistoryLogObserver.__name__}\n"
