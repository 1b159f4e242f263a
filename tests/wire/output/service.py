"""A service of faulty handlers. GET /log returns everything that was logged."""

import gc
import logging
import sys
from typing import Any

from tests.wire.output import bodies, failures, fields, late_responses
from twisted.logger import LogEvent, LogLevel, eventAsText, globalLogPublisher

from ropewalk import App, Request

app = App()
logged: list[str] = []


@app.get("/")
def hello(request: Request) -> str:
    return "Hello, World!"


@app.get("/log")
def log(request: Request) -> list[str]:
    """Return the log since the last call."""
    gc.collect()  # Twisted and asyncio log unhandled errors when their objects are freed
    lines = logged.copy()
    logged.clear()
    return lines


@app.get("/happened")
def tell(request: Request) -> list[str]:
    return failures.happened


app.mount("/fields", fields.app)
app.mount("/bodies", bodies.app)
app.mount("/failures", failures.app)
app.mount("/late-responses", late_responses.app)


def record(event: LogEvent) -> None:
    # Reports of a blocked reactor depend on the machine.
    if event["log_level"] >= LogLevel.warn and event.get("code") != "RW306":
        logged.append(eventAsText(event, includeTimestamp=False, includeSystem=False))


class Recorder(logging.Handler):
    """Record the log of asyncio, which uses `logging`."""

    def emit(self, record: logging.LogRecord) -> None:
        logged.append(record.getMessage())


def record_unraisable(unraisable: Any) -> None:
    logged.append(f"unraisable: {unraisable.exc_value!r} in {unraisable.object!r}")


for observer in tuple(globalLogPublisher._observers):
    globalLogPublisher.removeObserver(observer)  # The standard error is not read, so its pipe would fill.
globalLogPublisher.addObserver(record)  # type: ignore[arg-type] # a function is an observer
logging.getLogger().addHandler(Recorder(logging.WARNING))
sys.unraisablehook = record_unraisable
gc.freeze()
