"""The bodies of the errors that Ropewalk itself sends, as types."""

from typing import Any, Final, Literal

from msgspec import Struct

from ropewalk.typed.unprocessable_content import FieldError


class Problem(Struct):
    """The body of an error response: problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


class InvalidInputProblem(Struct):
    """Problem details (RFC 9457) with every invalid value."""

    type: str
    title: str
    status: Literal[422]
    detail: str
    errors: list[FieldError]


OWN_BODIES: Final[tuple[Any, ...]] = (Problem, InvalidInputProblem)
