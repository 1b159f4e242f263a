"""Find the header fields and cookies that a handler and its providers read from a request. Middleware that stores
responses must know them, because a response that depends on them may be for one user only.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from ropewalk.request import Request
from ropewalk.typed.descriptions import described, plain
from ropewalk.typed.named_values import written_name
from ropewalk.typed.parameter_sources import Input, takes_all
from ropewalk.typed.pydantic_models import is_model, names_of_model

READS: Final = "ropewalk_reads"
"""The name of the attribute in which the `call` of a handler has its `Reads`."""


class Reads(NamedTuple):
    """The parts of a request that a handler reads and that may distinguish users."""

    fields: frozenset[str] = frozenset()
    """The names of the header fields that are read, in lower case."""
    cookies: frozenset[str] = frozenset()
    """The names of the cookies that are read."""
    anything: bool = False
    """Whether a provider takes the request itself, or a marker of the application computes a value from it. Either may
    read any part of the request."""

    def values(self, request: Request, without: frozenset[str]) -> list[str]:
        """The names and values of these fields and cookies in a request, each value after its name. Header fields in
        `without` are left out."""
        found: list[str] = []
        for name in sorted(self.fields - without):
            found += [part for value in request.headers.all(name) for part in (name, value)]
        cookies = request.cookies if self.cookies else {}
        return found + [part for name in sorted(self.cookies & cookies.keys()) for part in (name, cookies[name])]


NOTHING: Final = Reads()


def reads_of(inputs: Iterable[Input], *, anything: bool = False) -> Reads:
    """The Reads of a handler with these inputs. `anything`: a provider takes the request itself."""
    fields: set[str] = set()
    cookies: set[str] = set()
    for each in inputs:
        if each.source == "header":
            fields.update(_names(each))
        elif each.source == "cookie":
            cookies.update(_names(each))
        anything = anything or each.is_custom
    return Reads(frozenset(fields), frozenset(cookies), anything)


def reads_for(request: Request) -> Reads:
    """The Reads of the handler of a request. Call this in middleware."""
    handler = request.engine_handler
    found: Reads = NOTHING if handler is None else getattr(handler.call, READS, NOTHING)
    return found


def _names(each: Input) -> list[str]:
    """The names that an input reads: its own name, or the names of all fields of its type."""
    assert each.source in ("header", "cookie")
    if is_model(each.kind):
        return list(names_of_model(each.kind, each.source))
    if takes_all(each.kind):
        node: Any = plain(described(each.kind))
        return [written_name(field.encode_name, each.source) for field in node.fields]
    return [each.name]
