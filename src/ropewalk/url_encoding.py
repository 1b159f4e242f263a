"""Encode queries and forms as clients send them (application/x-www-form-urlencoded)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from ropewalk.errors import shown

Parameters = Mapping[str, Any] | Iterable[tuple[str, Any]]
"""Names and values. A list as value stands for several pairs."""


class InvalidParameters(ValueError):
    """An argument is not a mapping or pairs, or cannot be encoded. The message is one sentence."""


def encode_parameters(argument: str, parameters: Parameters) -> str:
    """Encode names and values. `argument` is their name in the message of InvalidParameters, such as "query"."""
    pairs = list(text_pairs(argument, parameters))
    try:
        return urlencode(pairs)
    except UnicodeEncodeError:
        raise InvalidParameters(f"{argument}= has half of a surrogate pair, which UTF-8 cannot encode.") from None


def text_pairs(argument: str, parameters: Parameters) -> Iterator[tuple[str, str | bytes]]:
    """Yield names and values in the form in which they are sent: a list becomes several pairs, None is left out, True
    becomes `true`. Raises InvalidParameters."""
    for name, value in _pairs(argument, parameters):
        for each in value if isinstance(value, list | tuple | set | frozenset) else (value,):
            if each is not None:
                yield str(name), sent_form(each)


def sent_form(value: Any) -> str | bytes:
    """A value in the form in which it is sent."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, bytes) else str(value)


def _pairs(argument: str, parameters: Parameters) -> Iterator[tuple[Any, Any]]:
    if isinstance(parameters, Mapping):
        yield from parameters.items()
        return
    given: Any = parameters
    if not isinstance(given, Iterable) or isinstance(given, str | bytes):
        raise InvalidParameters(f"{argument}= must be a mapping, or pairs of names and values, not {shown(given)}.")
    for pair in given:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise InvalidParameters(f"{argument}= has {shown(pair)}, which is not a pair of a name and a value.")
        name, value = pair
        yield name, value
