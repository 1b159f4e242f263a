"""`Entry`: one error code, its meaning, and what to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A code, its meaning, and what to do."""

    code: str
    summary: str
    remedy: str
