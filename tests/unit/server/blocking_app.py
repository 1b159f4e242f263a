"""An app with a handler that blocks the reactor until the watchdog has reported it."""

from threading import Event

from twisted.logger import LogEvent, globalLogPublisher

from ropewalk import App

app = App()
reported = Event()


def observe(event: LogEvent) -> None:
    if event.get("code") == "RW306":
        reported.set()


globalLogPublisher.addObserver(observe)  # type: ignore[arg-type] # a function is an observer


def wait_for_report() -> str:
    return "reported" if reported.wait(60) else "not reported"


@app.get("/until-reported/{number:int}")
def block(number: int) -> str:
    return wait_for_report()
