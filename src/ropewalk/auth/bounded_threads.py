"""Calls functions in threads, a bounded number at a time."""

from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ropewalk.errors import HTTPError
from ropewalk.thread_calls import call_in_thread
from ropewalk.waiting import Waiter

Result = TypeVar("Result")


class BoundedThreads(Generic[Result]):
    """At most `most` calls run, and at most `most_waiting` wait. A cancelled call counts as running until it ends,
    because its thread cannot be interrupted."""

    def __init__(self, most: int, most_waiting: int) -> None:
        self._most = most
        self._most_waiting = most_waiting
        self._running = 0
        self._is_starting = False
        """Whether `_ended` is just starting a waiting call. If no thread can be started, that call ends at once and
        calls `_ended` again, which must not start another one."""
        self._waiting: deque[tuple[Waiter[Result], Callable[..., Result], tuple[Any, ...]]] = deque()

    def call(self, function: Callable[..., Result], *given: Any) -> Waiter[Result]:
        """Call a function in a thread. Return an awaitable for its result.

        Cancelling the awaitable ends only the wait, not the call. Raises HTTPError 503 if too many calls wait.
        """
        waiter: Waiter[Result] = Waiter()
        if self._running < self._most:
            self._start(waiter, function, given)
            return waiter
        if len(self._waiting) >= self._most_waiting:
            self._waiting = deque(each for each in self._waiting if not each[0].called)  # drop cancelled calls
            if len(self._waiting) >= self._most_waiting:
                raise HTTPError(503, None, {"retry-after": "1"})
        self._waiting.append((waiter, function, given))
        return waiter

    def _start(self, waiter: Waiter[Result], function: Callable[..., Result], given: tuple[Any, ...]) -> None:
        self._running += 1
        call_in_thread(function, *given).addBoth(self._ended, waiter)

    def _ended(self, result: Any, waiter: Waiter[Result]) -> None:
        self._running -= 1
        while self._waiting and self._running < self._most and not self._is_starting:
            following, function, given = self._waiting.popleft()
            if not following.called:
                self._is_starting = True
                self._start(following, function, given)
                self._is_starting = False
        if not waiter.called:
            waiter.callback(result)  # if the result is a Failure, the waiter fails
