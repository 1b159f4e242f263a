"""Errors that several modules raise. Clients get them as problem details, like Ropewalk's own errors."""

from ropewalk import HTTPError


class Missing(HTTPError):
    """The requested object does not exist."""

    def __init__(self, detail: str) -> None:
        super().__init__(404, detail)


class Conflict(HTTPError):
    """The request conflicts with the stored data."""

    def __init__(self, detail: str) -> None:
        super().__init__(409, detail)
