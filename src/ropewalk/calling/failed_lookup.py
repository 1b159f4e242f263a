"""The handler that is used for a request if the search for its handler raised an exception."""

from typing import NoReturn

from ropewalk.request import Request


class FailedLookup:
    """A handler that raises the exception of the search, so that it passes through middleware and error handlers."""

    __slots__ = ("_error",)

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __call__(self, request: Request) -> NoReturn:
        del request
        try:
            raise self._error
        finally:
            del self._error  # breaks a reference cycle: the traceback of the error refers to this object
