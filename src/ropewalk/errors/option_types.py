"""Checks whether options have values of the types that their annotations say, and describes these types in words."""

import types
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

_WORDS: Final[dict[Any, str]] = {
    bool: "True or False",
    bytes: "bytes",
    float: "a number",
    int: "an int",
    str: "a str",
    type(None): "None",
}


def wrong_option(kind: type, given: Mapping[str, Any]) -> tuple[str, str] | None:
    """The first option whose value is of a wrong type, and what to give instead; None if there is none.

    Only the fields of Ropewalk's own classes are checked. A user's subclass may use annotations for another purpose.
    """
    hints = _hints_of(kind)
    for name, value in given.items():
        if name in hints and not _fits(hints[name], value):
            return name, _in_words(hints[name])
    return None


@lru_cache(maxsize=256)
def _hints_of(kind: type) -> dict[str, Any]:
    own = next((each for each in kind.__mro__ if each.__module__.partition(".")[0] == __name__.partition(".")[0]), None)
    try:
        return {} if own is None else get_type_hints(own)
    except NameError:  # a type that only type checkers import
        return {}


def _fits(hint: Any, value: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(_fits(each, value) for each in arguments)
    if origin is Literal:
        return value in arguments
    if hint in (int, float):
        return isinstance(value, int if hint is int else int | float) and not isinstance(value, bool)
    if origin is Callable:
        return callable(value)
    if _is_protocol(hint):
        return not isinstance(value, type) and all(hasattr(value, each) for each in _methods_of(hint))
    if not isinstance(origin, type):
        return not isinstance(hint, type) or isinstance(value, hint)
    if issubclass(origin, Mapping):
        keys, values = arguments
        return isinstance(value, Mapping) and all(_fits(keys, key) and _fits(values, value[key]) for key in value)
    if issubclass(origin, Iterable):  # any iterable of the right items, such as a list for a tuple
        is_one = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
        return is_one and (not isinstance(value, Collection) or all(_fits(arguments[0], each) for each in value))
    return isinstance(value, origin)


def _in_words(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(_in_words(each) for each in arguments)
    if origin is Literal:
        return " or ".join(map(repr, arguments))
    if hint in _WORDS:
        return _WORDS[hint]
    if _is_protocol(hint) and "__call__" in vars(hint):
        return "a function"
    if _is_protocol(hint):
        return f"an object with the methods of {hint.__name__} ({', '.join(_methods_of(hint))})"
    if origin is Callable:
        return "a function"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "a dict of str" if arguments[1] is str else "a dict"
    if isinstance(origin, type) and issubclass(origin, Iterable):
        return f"a tuple or list, each item of which is {_in_words(arguments[0])}"
    return f"{hint.__name__}(...)" if isinstance(hint, type) else "another value"


def _is_protocol(hint: Any) -> bool:
    return isinstance(hint, type) and bool(getattr(hint, "_is_protocol", False))


def _methods_of(protocol: Any) -> list[str]:
    """The methods that a protocol demands."""
    names = {
        name for kind in protocol.__mro__ if _is_protocol(kind) for name, each in vars(kind).items() if callable(each)
    }
    return sorted(each for each in names if not each.startswith("_") or each == "__call__")
