"""`wsgi.errors`: a stream that writes to Twisted's log."""

from collections.abc import Iterable

from twisted.logger import Logger

from ropewalk.errors import visible

log = Logger(namespace="ropewalk.wsgi")


class ErrorStream:
    """A text stream for one call of an application. Lines that are written together become one log entry."""

    __slots__ = ("_text",)

    def __init__(self) -> None:
        self._text = ""

    def write(self, text: str) -> int:
        """Add text. If it ends with a newline, log all text so far."""
        if not isinstance(text, str):
            raise TypeError(f"wsgi.errors takes str, not {type(text).__qualname__}.")
        self._text += text
        if text.endswith("\n"):
            self.flush()
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Add lines, and log them as one entry."""
        self.write("".join(lines))

    def flush(self) -> None:
        """Log the text that was written so far, even if it does not end with a newline."""
        text, self._text = self._text.strip("\n"), ""
        if text:
            log.error("{text}", text=visible(text))
