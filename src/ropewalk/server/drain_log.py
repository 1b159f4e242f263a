"""The log lines of a drain: how many requests it waits for, and how many it cuts off."""

from twisted.logger import Logger

from ropewalk._engine import Engine

log = Logger(namespace="ropewalk.server")


def log_drain(engine: Engine) -> None:
    """Log how many requests a graceful shutdown waits for, if any."""
    running = engine.running_exchanges
    if running:
        requests = "1 request is" if running == 1 else f"{running} requests are"
        seconds = engine.limits.drain_timeout
        line = "Stopping: {requests} running, up to {seconds:g} s; repeat the signal to stop now."
        log.info(line, requests=requests, seconds=seconds)


def log_drained(logger: Logger, count: int, *, early: bool) -> None:
    """Log how many requests were cut off at the end of a drain, if any. `early`: the drain ended before its
    deadline."""
    log_cut_off(logger, count, "before the deadline of the drain" if early else "at the deadline of the drain")


def log_cut_off(logger: Logger, count: int, when: str) -> None:
    """Log how many requests were cut off, if any. `when` completes the sentence in the log."""
    if count:
        requests = "1 request was" if count == 1 else f"{count} requests were"
        logger.warn("{requests} cut off {when}.", requests=requests, when=when)
