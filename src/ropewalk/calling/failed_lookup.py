"""The handler of a request for which no handler was found, because the lookup raised an exception."""

from typing import NoReturn

from ropewalk.request import Request


class FailedLookup:
    """Raises the exception of the lookup when it is called, so that error handlers and middleware see it."""

    __slots__ = ("_error",)

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __call__(self, request: Request) -> NoReturn:
        del request
        try:
            raise self._error
        finally:
            del self._error  # the traceback of the error refers to this object
