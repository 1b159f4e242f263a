"""Finds out which names stand for secrets, and replaces the values of fields and query parameters with such names. The
logs use this module, and `ropewalk.dev` uses it for error pages.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

SECRETS: Final = (
    "authorization",
    "cookie",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "api_key",
    "access_key",
    "private_key",
    "credential",
    "session_id",
    "signature",
    "assertion",
    "saml_response",
    "jwt",
    "csrf",
    "xsrf",
    "bearer",
    "database_url",
    "connection_string",
    "card_number",
)
"""The names that are secret by default."""

REDACTED: Final = "[redacted]"
"""What a log line has in the place of a secret value."""

MOST_DEPTH: Final = 6
"""How deep the containers in a field may be nested. Deeper ones are logged as text."""

_COUNTS: Final = re.compile(
    r"(?:max|min|num|total|prompt|completion|input|output|cached|new|used)tokens|tokens?(?:count|limit|type|used|i[sz]e)"
)
"""Names, without `_`, in which `token` does not stand for a secret: numbers of the tokens of a text, and the type of a
token."""
_OTHER: Final = re.compile(r"[^0-9a-z]+")
_PARAMETER: Final = re.compile(r"([?&;#])([^=&;?#\s]+)=((?:[^&;#\s\"'<>]|'(?=[^&;#\s\"'<>,.)\]}]))*)")
_PASSWORD: Final = re.compile(r"(\w://[^\s/:@\"'<>]*:)[^\s/@\"'<>]+(?=@)")
_ENCODED: Final = re.compile(r"%([0-9A-Fa-f]{2})")


class Redaction:
    """The names of secrets. A name is secret if it contains one of them.

    Case is ignored, and so is every character that is neither a letter nor a digit, such as `_` and `-`. The names of
    numbers of tokens, such as `max_tokens`, are not secret, unless one of them is in `names`.
    """

    mark: str = REDACTED
    """What stands in the place of a secret value."""

    def __init__(self, names: Iterable[str] = SECRETS) -> None:
        self.names = tuple(names)
        letters = sorted({_letters(name) for name in self.names} - {""})
        self._hides_counts = any(map(_COUNTS.search, letters))
        self._found = re.compile("|".join(letters)).search if letters else None
        self.is_secret = lru_cache(maxsize=1024)(self._is_secret)
        """Whether a value with this name is secret."""

    def _is_secret(self, name: str) -> bool:
        if self._found is None:
            return False
        letters = _letters(name)
        return self._found(letters if self._hides_counts else _COUNTS.sub(" ", letters)) is not None

    def of_text(self, text: str) -> str:
        """A text, with the secrets of URLs in it replaced: passwords, and the values of secret parameters of queries
        and fragments."""
        if self._found is None:
            return text
        if "@" in text and "://" in text:
            text = _PASSWORD.sub(rf"\1{self.mark}", text)
        if "=" in text and ("?" in text or "#" in text):
            text = _PARAMETER.sub(self._parameter, text)
        return text

    def of_value(self, name: str, value: Any, depth: int = MOST_DEPTH) -> Any:
        """The value of a field. Mappings and lists are copied, and secrets in them replaced.

        In a list of pairs, the first item of a pair is the name of the second. Another object becomes its text if its
        text has a secret.
        """
        if self._found is None:
            return value
        if self.is_secret(name):
            return value if value is None else self.mark
        if isinstance(value, str):
            return self.of_text(value)
        if depth and isinstance(value, Mapping):
            return {each: self.of_value(_text_of(each), inner, depth - 1) for each, inner in value.items()}
        if depth and type(value) in (list, tuple):
            return [self._of_item(inner, depth - 1) for inner in value]
        if value is None or isinstance(value, int | float):
            return value
        text = _text_of(value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value)
        redacted = self.of_text(text)
        return value if redacted == text else redacted

    def _of_item(self, item: Any, depth: int) -> Any:
        """The item of a list, which may be a pair of a name and a value."""
        if depth and type(item) is tuple and len(item) == 2 and isinstance(item[0], str | bytes):
            name = item[0].decode("latin-1") if isinstance(item[0], bytes) else _text_of(item[0])
            return [item[0], self.of_value(name, item[1], depth - 1)]
        return self.of_value("", item, depth)

    def _parameter(self, found: re.Match[str]) -> str:
        mark, name, _ = found.groups()
        decoded = _ENCODED.sub(lambda code: chr(int(code[1], 16)), name)
        return f"{mark}{name}={self.mark}" if self.is_secret(decoded) else found[0]


def _text_of(value: Any) -> str:
    """The text of an object; empty if its class does not give it."""
    if isinstance(value, str):
        return str.__str__(value)
    try:
        return f"{value}"
    except Exception:  # noqa: BLE001 - a method of the object failed, and the line must be logged
        return ""


def _letters(name: str) -> str:
    return _OTHER.sub("", name.lower())
