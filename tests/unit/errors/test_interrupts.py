"""Which exceptions mean Ctrl-C."""

import signal
from typing import Any

import pytest

from ropewalk.errors import (
    interrupts,
)


class TestInterrupts:
    """A KeyboardInterrupt means Ctrl-C only if Python handles SIGINT.

    A server handles SIGINT itself, so a KeyboardInterrupt there is an error of a handler.
    """

    @pytest.mark.parametrize(("handler", "expected"), [(signal.default_int_handler, True), (signal.SIG_IGN, False)])
    def test_by_who_handles_the_signal(self, handler: Any, expected: bool) -> None:
        former = signal.signal(signal.SIGINT, handler)
        try:
            assert interrupts(KeyboardInterrupt()) == expected
            assert not interrupts(SystemExit())
        finally:
            signal.signal(signal.SIGINT, former)
