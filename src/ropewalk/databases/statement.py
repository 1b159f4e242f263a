"""`Statement`: a call of a method of a transaction or a reader. It runs when it is awaited."""

from collections.abc import Callable, Coroutine, Generator
from types import TracebackType
from typing import Any, Protocol, TypeVar

from ropewalk.awaited_truth import AwaitedResult
from ropewalk.errors import shown

Result = TypeVar("Result")


class Owner(Protocol):
    """The transaction or the reader of a statement."""

    def is_created(self, statement: "Statement[Any]") -> None:
        """Called when a statement is created. It has not begun yet."""

    def begins(self, statement: "Statement[Any]") -> None:
        """Called when a statement is awaited for the first time."""

    def is_dropped(self, statement: "Statement[Any]") -> None:
        """Called when a statement is deleted that was never awaited."""


class Statement(AwaitedResult[Result]):
    """Runs when it is awaited. A condition such as `if statement:` raises HandlerError (RW210), because without `await`
    it would always be true."""

    def __init__(
        self, owner: Owner, name: str, argument: object, start: Callable[[], Coroutine[Any, Any, Result]]
    ) -> None:
        self._name = name
        self._argument = argument
        self._owner = owner
        self._start: Callable[[], Coroutine[Any, Any, Result]] | None = start
        owner.is_created(self)

    def __await__(self) -> Generator[Any, Any, Result]:
        return self._begun().__await__()

    def send(self, value: Any) -> Any:
        """See `collections.abc.Coroutine`."""
        return self._begun().send(value)

    def throw(self, kind: Any, value: Any = None, traceback: TracebackType | None = None) -> Any:
        """See `collections.abc.Coroutine`."""
        _ = self._begun()
        return super().throw(kind, value, traceback)

    def close(self) -> None:
        """See `collections.abc.Coroutine`."""
        self._begun().close()

    def __del__(self) -> None:
        if self._start is not None:
            self._owner.is_dropped(self)

    def never_awaited(self) -> str:
        """The message about a statement that was not awaited."""
        return f"{self._name}({shown(self._argument)}) was never awaited, so it did not run."

    def _begun(self) -> Coroutine[Any, Any, Result]:
        """The coroutine, which is made at the first use.

        If it were made earlier, Python would also warn about the coroutine of a statement that is never awaited.
        """
        start, self._start = self._start, None
        if start is not None:
            self._coroutine = start()
            self._owner.begins(self)
        return self._coroutine
