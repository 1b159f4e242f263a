"""`Problem`: the error of a program that does not start, as text and as HTML."""

from dataclasses import asdict, dataclass
from html import escape
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An error at the start of a program."""

    title: str
    text: str
    """The error as text, with its traceback."""
    html: str
    """The part of a page that shows the error."""

    @classmethod
    def of_text(cls, title: str, text: str) -> Self:
        """A problem that has only text."""
        return cls(title=title, text=text, html=f"<h1>{escape(title)}</h1>\n<pre>{escape(text)}</pre>\n")

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The problem in a message."""
        return cls(**value)

    def as_json(self) -> dict[str, Any]:
        """The problem, for a message."""
        return asdict(self)
