"""Twisted's log before logging begins: what a site logs is kept and replayed as any other event."""

import subprocess
import sys
from typing import Any, cast

import pytest
from twisted.logger import LimitedHistoryLogObserver, LogLevel, LogPublisher

from ropewalk.dropin.request import early_log

PROGRAM = """
from twisted.logger import Logger, LogLevel, globalLogBeginner, globalLogPublisher
from ropewalk.dropin.request import early_log

heard = []
def say(number, level=LogLevel.info):
    early_log.publish(globalLogPublisher, level, {
        "log_level": level, "log_namespace": "site", "log_format": "line {number}", "number": number, "log_time": 0,
    })

say(1)
say(2)
globalLogPublisher.addObserver(heard.append)
say(3)
globalLogPublisher.removeObserver(heard.append)
say(4, LogLevel.critical)
early = [event["number"] for event in heard]
del heard[:]
globalLogBeginner.beginLoggingTo([heard.append], redirectStandardIO=False)
say(5)
print(early, [event["number"] for event in heard if "number" in event])
"""


def test_events_before_and_after_logging_begins() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == "[3] [1, 2, 3, 4, 5]\n"
    assert done.stderr == "line 4\n"  # as Twisted does with what is critical


class Logging:
    """Stands for Twisted's publisher before logging begins, and counts what passes its filter."""

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


def test_the_filter_is_asked_only_where_it_may_let_an_event_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    logging = Logging(monkeypatch)
    for level in LogLevel.iterconstants():
        logging.publish(level)
    assert logging.filtered == 1
    kept: list[Any] = []
    logging.history.replayTo(cast("Any", kept.append))
    assert [event["log_level"] for event in kept] == list(LogLevel.iterconstants())


def test_an_observer_of_the_program_hears_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    logging = Logging(monkeypatch)
    heard: list[Any] = []
    logging.publisher.addObserver(cast("Any", heard.append))
    logging.publish(LogLevel.info)
    assert (len(heard), logging.filtered) == (1, 1)


def test_twisted_has_the_log_that_is_expected() -> None:
    """Where it has not, every event goes the long way."""
    program = "from ropewalk.dropin.request import early_log; print(type(early_log._HISTORY).__name__)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == f"{LimitedHistoryLogObserver.__name__}\n"
