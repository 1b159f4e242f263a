"""Response statuses: valid values, and their reason phrases."""

from http import HTTPStatus
from typing import Final, TypeGuard

_RENAMED: Final = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    418: "I'm a teapot",
    422: "Unprocessable Content",
}
"""Reason phrases of RFC 9110, section 15.5. Python 3.11 and 3.12 have older phrases for these statuses."""


def is_status(status: object) -> TypeGuard[int]:
    """Whether a value is the status of a final response (RFC 9110, section 15): an int from 200 to 599."""
    return is_int(status) and 200 <= status <= 599


def is_int(value: object) -> TypeGuard[int]:
    """Whether a value is an int and not a bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def phrase(status: int) -> str:
    """The reason phrase of a status. For an unregistered status, it is the name of the class of statuses, such as
    "Client Error"."""
    try:
        return _RENAMED.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return "Client Error" if status < 500 else "Server Error"
