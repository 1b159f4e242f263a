"""Detects exceptions caused by Ctrl-C, which must reach the reactor."""

import signal


def interrupts(error: BaseException) -> bool:
    """Whether Ctrl-C raised an exception. If the program handles SIGINT, KeyboardInterrupt is an ordinary exception."""
    return isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is signal.default_int_handler
