"""Values of sessions: which are allowed, and how they are encoded."""

from math import isfinite
from typing import Any, Final

import msgspec

from ropewalk.errors import HandlerError, full_name, shown

OWN: Final = "ropewalk."
"""The prefix of the names of values that Ropewalk keeps in a session. The mapping does not show them."""

_PLAIN: Final = frozenset((str, bool, type(None)))
_SMALLEST: Final = -(2**63)
_LARGEST: Final = 2**64 - 1
"""The largest integer that msgspec decodes as it was encoded; `_SMALLEST` is the smallest."""
_DEEPEST: Final = 100
"""The maximum number of levels of lists and dicts."""

decode: Final = msgspec.json.decode


def check_name(name: object) -> str:
    """Raises HandlerError (RW251) unless this is a name for a value of your program."""
    if not isinstance(name, str):
        what = f"{shown(name)} is not a name for a value in a session."
        raise HandlerError("RW251", what, "Use a str, because sessions are kept as JSON.")
    if name.startswith(OWN):
        what = f"{shown(name)} is a name that Ropewalk uses itself."
        raise HandlerError("RW251", what, f"Choose a name that does not begin with {OWN!r}.")
    return name


def encode(name: str, value: Any) -> bytes:
    """Encode a value as JSON.

    Raises HandlerError (RW251) for a value that the next request would not read as it was written, such as a datetime,
    which JSON has only as a str.
    """
    if type(value) not in _PLAIN:
        _check(name, value)
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError as error:
        raise HandlerError("RW251", f"The value {shown(name)} of a session cannot be encoded: {error}.") from None


def _check(name: str, value: Any) -> None:
    """Check a value and its parts, with a list instead of recursion, so that deep values cannot exhaust the stack."""
    left = [(value, 0)]
    while left:
        part, depth = left.pop()
        kind = type(part)
        if kind is int:
            fits = _SMALLEST <= part <= _LARGEST
        elif kind is float:
            fits = isfinite(part)
        else:
            fits = kind in _PLAIN or (kind in (dict, list, tuple) and depth < _DEEPEST)
        if not fits:
            raise _unfit(name, part, kind)
        if kind is dict:
            wrong = next((key for key in part if type(key) is not str), None)
            if wrong is not None:
                what = f"The value {shown(name)} of a session has a dict with the key {shown(wrong)}."
                raise HandlerError("RW251", what, "Use str as keys, because JSON has no others.")
            left += [(each, depth + 1) for each in part.values()]
        elif kind in (list, tuple):
            left += [(each, depth + 1) for each in part]


def _unfit(name: str, part: Any, kind: type) -> HandlerError:
    """RW251 for a part of a value that cannot be kept."""
    if kind in (dict, list, tuple):
        return HandlerError("RW251", f"The value {shown(name)} of a session is nested too deeply.")
    if kind in (int, float):
        return HandlerError("RW251", f"The value {shown(name)} of a session is, or contains, {shown(part)}.")
    return HandlerError("RW251", f"The value {shown(name)} of a session is, or contains, {full_name(kind)}.")
