"""`Entry`: one error code, its meaning, and what to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """An error code, its meaning, and what to do about the error."""

    code: str
    summary: str
    remedy: str
