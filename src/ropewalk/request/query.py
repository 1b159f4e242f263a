"""The parameters of a query string."""

from urllib.parse import parse_qsl

from ropewalk._engine import urlencoded_pairs
from ropewalk.multi_values import MultiValues


class QueryParams(MultiValues[str]):
    """The query parameters by name.

    `query["tag"]` is the first value of the parameter; `query.all("tag")` has every value.
    """

    __slots__ = ()

    def __init__(self, query_string: bytes) -> None:
        parsed = _parsed(query_string)
        if parsed is None:
            super().__init__(parse_query(query_string))
        else:
            self._pairs, self._values = parsed


def parse_query(query_string: bytes, encoding: str = "utf-8") -> list[tuple[str, str]]:
    """The pairs of name and value in a query string, in order, with percent-encoding decoded."""
    parsed = _parsed(query_string) if encoding == "utf-8" else None
    if parsed is not None:
        return list(parsed[0])
    return parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, encoding=encoding)


def _parsed(query_string: bytes) -> tuple[tuple[tuple[str, str], ...], dict[str, list[str]]] | None:
    """The pairs in order, and the values by name. None for a query string that is not ASCII, or whose escapes are not
    UTF-8."""
    return urlencoded_pairs(query_string, len(query_string), len(query_string)) if query_string.isascii() else None
