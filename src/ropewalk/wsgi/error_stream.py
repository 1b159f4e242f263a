"""`wsgi.errors`: what an application complains of goes to Twisted's log."""

from collections.abc import Iterable

from twisted.logger import Logger

from ropewalk.errors import visible

log = Logger(namespace="ropewalk.wsgi")


class ErrorStream:
    """A text stream for one call, of which whole lines that were written together become one entry of the log."""

    __slots__ = ("_text",)

    def __init__(self) -> None:
        self._text = ""

    def write(self, text: str) -> int:
        """Take text, and log it where it ends a line."""
        if not isinstance(text, str):
            raise TypeError(f"wsgi.errors takes str, not {type(text).__qualname__}.")
        self._text += text
        if text.endswith("\n"):
            self.flush()
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Take some lines, and log them together."""
        self.write("".join(lines))

    def flush(self) -> None:
        """Log what is there, the end of a line or not."""
        text, self._text = self._text.strip("\n"), ""
        if text:
            log.error("{text}", text=visible(text))
