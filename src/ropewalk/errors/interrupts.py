"""Ctrl-C: which exceptions end the process."""

import signal


def interrupts(error: BaseException) -> bool:
    """Whether Ctrl-C has been pressed. Where something handles SIGINT, a KeyboardInterrupt is an error like others."""
    return isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is signal.default_int_handler
