"""Counts the work of a call, so that tests can check how it grows without measuring time."""

import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


class Steps:
    """The count.

    A call of a Python function is one step. A call of a method of str or bytes is one step for each character. A match
    of a watched pattern is one step for each character after its start.
    """

    def __init__(self, monkeypatch: Any) -> None:
        self.count = 0
        self._monkeypatch = monkeypatch

    def watch(self, *modules: Any) -> None:
        """Count the matches of the patterns of these modules."""
        for module in modules:
            for name, value in list(vars(module).items()):
                if isinstance(value, re.Pattern):
                    self._monkeypatch.setattr(module, name, _Counting(self, value))
                elif isinstance(getattr(value, "__self__", None), re.Pattern):
                    counting = getattr(_Counting(self, value.__self__), value.__name__)
                    self._monkeypatch.setattr(module, name, counting)

    def of(self, call: Callable[[], object]) -> int:
        """Return the steps of a call."""
        self.count = 0
        before = sys.getprofile()
        sys.setprofile(self._profile)
        try:
            call()
        finally:
            sys.setprofile(before)
        return self.count

    def _profile(self, frame: FrameType, event: str, arg: Any) -> None:
        del frame
        if event == "call":
            self.count += 1
        elif event == "c_call":
            own = getattr(arg, "__self__", None)
            self.count += len(own) if isinstance(own, str | bytes) else 1


class _Counting:
    """A pattern that counts its matches."""

    def __init__(self, steps: Steps, pattern: "re.Pattern[Any]") -> None:
        self._steps = steps
        self._pattern = pattern

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._pattern, name)

        def counting(*args: Any, **options: Any) -> Any:
            texts = [arg for arg in args if isinstance(arg, str | bytes)]
            start = next((arg for arg in args if isinstance(arg, int)), 0)
            self._steps.count += len(texts[-1]) - start
            return method(*args, **options)

        return counting
