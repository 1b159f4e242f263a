"""Errors of several parts. Clients get them as problem details, like those of Ropewalk."""

from ropewalk import HTTPError


class Missing(HTTPError):
    """The thing does not exist."""

    def __init__(self, detail: str) -> None:
        super().__init__(404, detail)


class Conflict(HTTPError):
    """The stored data do not allow the request."""

    def __init__(self, detail: str) -> None:
        super().__init__(409, detail)
