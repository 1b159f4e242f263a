"""The path of a named route, made from its pattern and the values of its parameters."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from ropewalk.errors import TreeError, shown
from ropewalk.routing.patterns import SEGMENT, Parameter, Pattern, listed


def path_of(name: str, pattern: Pattern, params: Mapping[str, Any]) -> str:
    """The path of a route with the given parameters. `name` is the route's name, for messages. Raises TreeError (RW108)
    for wrong parameters."""
    wanted, quoted = _prepared(pattern)
    if wanted != params.keys():
        raise TreeError("RW108", f"url_for({name!r}) needs {listed(wanted)} and was given {listed(params)}.")
    parts = []
    for part in quoted:
        if isinstance(part, str):
            parts.append(part)
            continue
        try:
            parts.append(part.converter.quote(params[part.name]))
        except ValueError as error:
            what = f"url_for({name!r}): {part.name} is {shown(params[part.name])}, {error}."
            raise TreeError("RW108", what, f"Give a value that the converter {part.converter.name} accepts.") from error
    return f"/{'/'.join(parts)}"


@lru_cache(maxsize=1024)
def _prepared(pattern: Pattern) -> tuple[frozenset[str], Pattern]:
    """The names of the parameters, and the pattern with quoted texts."""
    wanted = frozenset(part.name for part in pattern if isinstance(part, Parameter))
    return wanted, tuple(quote(part, safe=SEGMENT) if isinstance(part, str) else part for part in pattern)
