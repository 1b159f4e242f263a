"""What a handler and its providers read from a request besides its path, query and body.

Middleware that keeps responses must know it: such a field may tell users apart.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from ropewalk.request import Request
from ropewalk.typed.descriptions import described, plain
from ropewalk.typed.named_values import written_name
from ropewalk.typed.parameter_sources import Input, takes_all
from ropewalk.typed.pydantic_models import is_model, names_of_model

READS: Final = "ropewalk_reads"
"""The name of the attribute of a handler's call that has its `Reads`."""


class Reads(NamedTuple):
    """The parts of a request that may tell users apart."""

    fields: frozenset[str] = frozenset()
    """The names of header fields, in lower case."""
    cookies: frozenset[str] = frozenset()
    """The names of cookies."""
    anything: bool = False
    """Whether a provider takes the request itself, or a marker of the program computes from it, so that they may read
    any part."""

    def values(self, request: Request, without: frozenset[str]) -> list[str]:
        """The values in a request, each after its name. Fields in `without` are left out."""
        found: list[str] = []
        for name in sorted(self.fields - without):
            found += [part for value in request.headers.all(name) for part in (name, value)]
        cookies = request.cookies if self.cookies else {}
        return found + [part for name in sorted(self.cookies & cookies.keys()) for part in (name, cookies[name])]


NOTHING: Final = Reads()


def reads_of(inputs: Iterable[Input], *, anything: bool = False) -> Reads:
    """What is read for inputs. `anything`: a provider takes the request itself."""
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
    """What the handler of a request reads. It is known inside of middleware."""
    handler = request.engine_handler
    found: Reads = NOTHING if handler is None else getattr(handler.call, READS, NOTHING)
    return found


def _names(each: Input) -> list[str]:
    """The names that an input reads: its own, or those of all fields of its type."""
    assert each.source in ("header", "cookie")
    if is_model(each.kind):
        return list(names_of_model(each.kind, each.source))
    if takes_all(each.kind):
        node: Any = plain(described(each.kind))
        return [written_name(field.encode_name, each.source) for field in node.fields]
    return [each.name]
