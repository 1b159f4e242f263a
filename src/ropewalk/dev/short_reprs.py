"""Representations of values for error pages: bounded in length and depth, and without secrets."""

import reprlib
from typing import Any, Final

from ropewalk.dev.redaction import HIDDEN, is_secret, redacted
from ropewalk.errors import full_name

LONGEST: Final = 600
"""The maximum length of a representation, in characters."""


class _ShortRepr(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdeque = 12
        self.maxarray = 12
        self.maxstring = 240
        self.maxlong = 80
        self.maxother = 400

    def repr_dict(self, x: Any, level: int) -> str:
        if level <= 0 or not x:
            return "{...}" if x else "{}"
        shown = []
        for number, (key, value) in enumerate(x.items()):
            if number == self.maxdict:
                shown.append("...")
                break
            hidden = isinstance(key, str | bytes) and is_secret(key if isinstance(key, str) else key.decode("latin-1"))
            shown.append(f"{self.repr1(key, level - 1)}: {HIDDEN if hidden else self.repr1(value, level - 1)}")
        return f"{{{', '.join(shown)}}}"

    def repr_bytes(self, x: bytes, level: int) -> str:
        del level
        return repr(x) if len(x) <= self.maxstring else f"{x[: self.maxstring]!r}... ({len(x)} bytes)"

    def repr_instance(self, x: Any, level: int) -> str:
        del level
        text = repr(x)
        return text if len(text) <= self.maxother else f"{text[: self.maxother]}..."


_short: Final = _ShortRepr()


def short_repr(value: object) -> str:
    """The representation of a value. If its `__repr__` raises an exception, the text says so."""
    try:
        text = _short.repr(value)
    except Exception as error:  # noqa: BLE001 - a user's __repr__ may raise any exception
        return f"<{full_name(type(value))}, whose repr raised {full_name(type(error))}>"
    return _bounded(redacted(text))


def unicode_text(text: str) -> str:
    """A text that can be sent as UTF-8. A lone surrogate, as in the name of a file that is not UTF-8, is shown by its
    code."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def short_text(value: object, longest: int = 4000) -> str:
    """The str of a value, such as the message of an exception, with a limited length."""
    try:
        text = str(value)
    except Exception as error:  # noqa: BLE001 - as above
        return f"({full_name(type(value))}, whose str raised {full_name(type(error))})"
    return _bounded(text, longest)


def shown_value(name: str, value: object) -> str:
    """The representation of a variable or field, hidden if its name is that of a secret."""
    return HIDDEN if is_secret(name) else short_repr(value)


def _bounded(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"
