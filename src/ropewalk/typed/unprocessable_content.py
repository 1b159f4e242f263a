"""422 Unprocessable Content: the response that lists every invalid field (RFC 9110, section 15.5.21; RFC 9457)."""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from ropewalk.errors import HTTPError, phrase
from ropewalk.response import PROBLEM

Location = Literal["path", "query", "header", "cookie", "body", "form"]

MOST: Final = 100
"""The maximum number of errors that a response lists. A body within the size limit can have a million errors."""


class FieldError(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The error for one invalid value."""

    location: Location
    """The part of the request that has the value."""
    name: str = ""
    """The name of the parameter or form field in the request; empty for a body that is not a form."""
    pointer: str = ""
    """The JSON pointer to the invalid part of the value (RFC 6901), such as `/guests/0/email`; empty for the whole
    value."""
    code: str
    """The kind of error, for use in the client's code: see `CODES`."""
    message: str
    """A sentence that describes the error."""


class InvalidInput(HTTPError):
    """Status 422: the input of a typed handler is invalid. The exception has an error for each invalid value.

    If no error handler handles this class or 422, the client gets problem details (`application/problem+json`, RFC
    9457) with the errors in the member `errors`.
    """

    def __init__(self, errors: Sequence[FieldError], status: int = 422) -> None:
        self.errors = tuple(errors)
        """The errors. For a request, there are at most 100."""
        count = "1 value is" if len(self.errors) == 1 else f"{len(self.errors)} values are"
        if len(self.errors) >= MOST:
            count = f"At least {MOST} values are"
        problem = {
            "type": "about:blank",
            "title": phrase(status),
            "status": status,
            "detail": f"{count} invalid.",
            "errors": list(self.errors),
        }
        super().__init__(status, problem, {"content-type": PROBLEM})
