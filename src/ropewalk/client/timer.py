"""`Timer`: a call after some seconds that can be cancelled at any time."""

from collections.abc import Callable

from ropewalk.waiting import call_later, call_later_in_real_time


class Timer:
    """Calls a function once after some seconds; never if `seconds` is None.

    With `real`, the time is that of the system, even in a request of a test client.
    """

    def __init__(self, seconds: float | None, call: Callable[[], object], *, real: bool = True) -> None:
        self._call = call
        self._cancel: Callable[[], object] | None = None
        if seconds is not None:
            self._cancel = (call_later_in_real_time if real else call_later)(seconds, self._fire)

    def cancel(self) -> None:
        """Do not call the function. This has no effect after the call."""
        cancel, self._cancel = self._cancel, None
        if cancel is not None:
            cancel()

    def _fire(self) -> None:
        self._cancel = None
        self._call()
