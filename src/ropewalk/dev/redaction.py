"""Hides secrets on error pages, by the name under which they are stored. The names are those of the logs, and more,
because error pages show variables."""

import re
from typing import Final

from ropewalk.logs import Redaction

HIDDEN: Final = "(hidden)"

_MORE: Final = re.compile(r"(?:^|_)(?:key|otp|pin)$|(?:auth|dsn|salt)$|private", re.IGNORECASE)
"""Names of variables and fields that are hidden, too. In the text of a repr, such a name often stands for something
else, so only the names of the logs are used there."""
_NAME: Final = re.compile(r"(?<![\w-])([\w-]++)['\"]?\s*[=:]\s*")
_VALUE: Final = re.compile(r"b?'[^']*'?|b?\"[^\"]*\"?|[^\s,)}\]]+")


class _PageRedaction(Redaction):
    mark = HIDDEN

    def _is_secret(self, name: str) -> bool:
        return super()._is_secret(name) or _MORE.search(name.replace("-", "_")) is not None


_of_logs: Final = Redaction()
_of_pages: Final = _PageRedaction()

is_secret: Final = _of_pages.is_secret
"""Whether a value with this name is hidden."""
without_secrets: Final = _of_pages.of_text
"""A text, in which the passwords and secret parameters of URLs are hidden."""


def redacted(text: str) -> str:
    """A text, such as the repr of an object, without the values of fields with secret names and the secrets of
    URLs."""
    parts: list[str] = []
    end = 0
    for name in _NAME.finditer(text):
        value = _VALUE.match(text, name.end())
        if text.startswith(HIDDEN, name.end()):
            continue
        if name.start() >= end and value is not None and _of_logs.is_secret(name[1]):
            parts += text[end : name.end()], HIDDEN
            end = value.end()
    return without_secrets("".join([*parts, text[end:]]))
