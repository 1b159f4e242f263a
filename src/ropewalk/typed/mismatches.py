"""The error for a returned value that does not match the handler's return annotation."""

from typing import Any, Final

from ropewalk.errors import HandlerError, named
from ropewalk.typed.object_checks import unawaited

FORGOTTEN_RETURN: Final = "it is None, as without `return`"

SOME_HANDLER: Final = "A handler"
"""Stands for the name of the handler in functions that handlers with the same annotation share."""


def why_not(value: Any, otherwise: str) -> str:
    """Why a value does not match: the usual mistakes, a forgotten `return` or `await`, or else `otherwise`."""
    return FORGOTTEN_RETURN if value is None else unawaited(value) or otherwise


class Mismatch(HandlerError):
    """RW215: a returned value does not match the handler's return annotation."""

    def __init__(self, where: object, why: str) -> None:
        super().__init__("RW215", f"{where} {why}")
        self._where = where
        self._why = why

    def name(self, function: Any) -> None:
        """Add the name of the handler to the message, unless the message already has a name."""
        if self._where is SOME_HANDLER:
            self._where = named(function)
            self.message = f"{self._where} {self._why}"
