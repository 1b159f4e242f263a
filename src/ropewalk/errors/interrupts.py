"""Detects exceptions caused by Ctrl-C, which must reach the reactor."""

import signal


def interrupts(error: BaseException) -> bool:
    """Whether Ctrl-C raised an exception. If the application handles SIGINT itself, KeyboardInterrupt counts as an
    ordinary exception."""
    return isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is signal.default_int_handler
