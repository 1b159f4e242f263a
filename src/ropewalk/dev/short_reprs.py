"""Representations of values for error pages: bounded in length and work, and without secrets.

`reprlib` of Python bounds the length only: it sorts a whole set, and lists 12 times 12 times 12 items of nested lists.
"""

from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from itertools import islice
from time import monotonic
from types import SimpleNamespace
from typing import Any, Final

from msgspec import Struct

from ropewalk.dev.redaction import HIDDEN, is_secret, redacted
from ropewalk.errors import full_name

LONGEST: Final = 600
"""The maximum length of a representation, in characters."""
MOST_PARTS: Final = 150
"""The most values that are represented for one value: the value itself, and those inside it."""

_LEFT: Final = "(left out, because the page has too many values, or they take too long)"
_MORE: Final = "..."
_MOST_DEPTH: Final = 4
_MOST_ITEMS: Final = 12
_LONGEST_PART: Final = 240
_LONGEST_OBJECT: Final = 400
_MOST_BITS: Final = 1024
"""The most bits of an int that is shown in decimal digits, which take quadratic time."""


class ReprBudget:
    """The work that the representations of a page may take: a number of values, and seconds on a clock.

    The methods of the user's classes cannot be interrupted, so after a slow one, the other values are left out.
    """

    def __init__(self, parts: int = 10_000, seconds: float = 0.5, clock: Callable[[], float] = monotonic) -> None:
        self._parts = parts
        self._clock = clock
        self._end = clock() + seconds

    def take(self) -> bool:
        """Use the work of one value. False if none is left."""
        self._parts -= 1
        return self._parts >= 0 and self._clock() < self._end


class _Representation:
    """Makes the representation of one value."""

    def __init__(self, budget: ReprBudget) -> None:
        self._budget = budget
        self._left = MOST_PARTS

    def of(self, value: Any, depth: int = _MOST_DEPTH) -> str:
        self._left -= 1
        if self._left < 0 or not self._budget.take():
            return _MORE
        kind = type(value)
        method: Any = kind.__repr__
        if isinstance(value, str | bytes | bytearray):
            return _text(value)
        if isinstance(value, int) and method is int.__repr__:
            return repr(value) if value.bit_length() <= _MOST_BITS else f"<int of {value.bit_length()} bits>"
        if isinstance(value, dict) and method in _OF_DICTS:
            return self._named(kind, self._in("{", self._items(value.items(), depth), "}", value, depth))
        for container, left, right in _CONTAINERS:
            if isinstance(value, container) and method is container.__repr__:
                end = f",{right}" if container is tuple and len(value) == 1 else right
                return self._named(kind, self._in(left, self._each(value, depth), end, value, depth))
        if isinstance(value, BaseException) and method in _OF_EXCEPTIONS:
            return f"{kind.__name__}{self._in('(', self._each(value.args, depth), ')', value.args, depth)}"
        names = tuple(vars(value)) if method is SimpleNamespace.__repr__ else _field_names(kind)
        if names is not None:
            pairs = [(name, getattr(value, name)) for name in names[: _MOST_ITEMS + 1] if hasattr(value, name)]
            return f"{kind.__qualname__}{self._in('(', self._fields(pairs, depth), ')', names, depth)}"
        text = repr(value)
        return text if len(text) <= _LONGEST_OBJECT else f"{text[:_LONGEST_OBJECT]}{_MORE}"

    def _in(self, left: str, parts: Iterator[str], right: str, value: Any, depth: int) -> str:
        """The parts of a value in brackets. `len(value)` is the number of the parts."""
        if depth <= 0 and len(value):
            return f"{left}{_MORE}{right}"
        shown = list(islice(parts, _MOST_ITEMS))
        if len(value) > _MOST_ITEMS:
            shown.append(_MORE)
        return f"{left}{', '.join(shown)}{right}"

    def _each(self, values: Iterable[Any], depth: int) -> Iterator[str]:
        return (self.of(value, depth - 1) for value in values)

    def _items(self, items: Iterable[tuple[Any, Any]], depth: int) -> Iterator[str]:
        for key, value in items:
            name = key.decode("latin-1") if isinstance(key, bytes) else key
            hidden = isinstance(name, str) and is_secret(name)
            yield f"{self.of(key, depth - 1)}: {HIDDEN if hidden else self.of(value, depth - 1)}"

    def _fields(self, pairs: Iterable[tuple[str, Any]], depth: int) -> Iterator[str]:
        for name, value in pairs:
            yield f"{name}={HIDDEN if is_secret(name) else self.of(value, depth - 1)}"

    @staticmethod
    def _named(kind: type, text: str) -> str:
        """The representation of a container, with the name of its class unless the brackets show it."""
        if kind is set and text == "{}":
            return "set()"
        return text if kind in _UNNAMED else f"{kind.__name__}({text})"


_OF_DICTS: Final = (dict.__repr__, defaultdict.__repr__, OrderedDict.__repr__, Counter.__repr__)
_OF_EXCEPTIONS: Final = (BaseException.__repr__, KeyError.__repr__)
_CONTAINERS: Final[tuple[tuple[Any, str, str], ...]] = (
    (list, "[", "]"),
    (tuple, "(", ")"),
    (set, "{", "}"),
    (frozenset, "{", "}"),
    (deque, "[", "]"),
    (array, "[", "]"),
    *((type(view), "[", "]") for view in ({}.keys(), {}.values(), {}.items())),  # type: ignore[var-annotated]
)
_UNNAMED: Final = (dict, list, tuple, set)
"""The classes that their brackets show."""


def _text(value: Any) -> str:
    """A str or bytes, without the methods of a subclass."""
    plain = next(each for each in (str, bytes, bytearray) if isinstance(value, each))
    length = plain.__len__(value)
    if length <= _LONGEST_PART:
        return repr(value)
    unit = "characters" if plain is str else "bytes"
    return f"{plain.__getitem__(value, slice(_LONGEST_PART))!r}{_MORE} ({length} {unit})"


def _field_names(kind: type) -> tuple[str, ...] | None:
    """The fields that the `__repr__` of a class shows; None if the class has a `__repr__` of another form."""
    method: Any = kind.__repr__
    if issubclass(kind, tuple) and hasattr(kind, "_fields") and method.__module__ == "collections":
        return tuple(kind._fields)
    if issubclass(kind, Struct) and method is Struct.__repr__:
        return kind.__struct_fields__
    if is_dataclass(kind) and hasattr(method, "__wrapped__"):  # the mark of a method that `dataclass` has made
        return tuple(each.name for each in fields(kind) if each.repr)
    return None


def short_repr(value: object, budget: ReprBudget | None = None) -> str:
    """The representation of a value. If its `__repr__` raises an exception, the text says so.

    `budget` is the budget of the page, if the page has many values.
    """
    budget = budget or ReprBudget()
    if not budget.take():
        return _LEFT
    try:
        text = _Representation(budget).of(value)
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


def shown_value(name: str, value: object, budget: ReprBudget | None = None) -> str:
    """The representation of a variable or field, hidden if its name is that of a secret."""
    return HIDDEN if is_secret(name) else short_repr(value, budget)


def _bounded(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"
