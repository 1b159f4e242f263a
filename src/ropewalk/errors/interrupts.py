"""Ctrl-C: which exceptions must reach the reactor."""

import signal


def interrupts(error: BaseException) -> bool:
    """Whether an error means Ctrl-C. If the program handles SIGINT itself, KeyboardInterrupt is an ordinary error."""
    return isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is signal.default_int_handler
