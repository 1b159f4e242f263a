"""Coroutines that cannot be mistaken for their results: `AwaitedResult`, and `AwaitedTruth` for True or False.

Every object is true unless its class says otherwise. So with a plain coroutine, `if not verify_password(...)`, without
`await`, would let in every client.
"""

import sys
from collections.abc import Coroutine, Generator
from types import CoroutineType, TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeGuard, TypeVar

from ropewalk.errors import HandlerError

Result = TypeVar("Result", covariant=True)

if TYPE_CHECKING:
    _Coroutine = Coroutine[Any, Any, Result]
else:
    _Coroutine = Generic  # registered below, because `isinstance` is slower for subclasses of an abstract class


class AwaitedResult(_Coroutine[Result]):
    """The result of a call of `name`: await it in any coroutine, or give it to `asyncio.run`.

    `bool()` of it raises HandlerError (RW210).
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Result], name: str) -> None:
        self._coroutine = coroutine
        self._name = name

    def __await__(self) -> Generator[Any, Any, Result]:
        return self._coroutine.__await__()

    def send(self, value: Any) -> Any:
        """See `collections.abc.Coroutine`."""
        return self._coroutine.send(value)

    def throw(self, kind: Any, value: Any = None, traceback: TracebackType | None = None) -> Any:
        """See `collections.abc.Coroutine`."""
        if value is None and traceback is None:
            return self._coroutine.throw(kind)
        return self._coroutine.throw(kind, value, traceback)

    def close(self) -> None:
        """See `collections.abc.Coroutine`."""
        self._coroutine.close()

    if not TYPE_CHECKING:  # with `__bool__`, type checkers would not report this mistake

        def __bool__(self) -> bool:
            if sys._getframe(1).f_globals.get("__name__") == "asyncio.base_tasks":  # noqa: SLF001 - as in `warnings`
                return True  # in Python 3.12, the repr of a task uses its coroutine as a condition
            self.close()  # otherwise Python would also warn that the coroutine was never awaited
            what = f"{self._name}(...) was used as true or false before it was awaited."
            raise HandlerError("RW210", what, f"Await it: `if await {self._name}(...)`.")


Coroutine.register(AwaitedResult)


class AwaitedTruth(AwaitedResult[bool]):
    """A result of True or False."""


_KINDS: Final = (CoroutineType, AwaitedResult)


def is_coroutine(value: object) -> TypeGuard[Coroutine[Any, Any, Any]]:
    """Whether a value is a coroutine: of an `async def` function, or of this module."""
    return isinstance(value, _KINDS)
