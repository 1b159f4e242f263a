"""The parameters of a query string."""

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl


class QueryParams(Mapping[str, str]):
    """The query parameters by name.

    `query["tag"]` is the first value of the parameter; `query.all("tag")` has every value.
    """

    __slots__ = ("_pairs", "_values")

    def __init__(self, query_string: bytes) -> None:
        self._pairs = parse_query(query_string)
        self._values: dict[str, list[str]] = {}
        for name, value in self._pairs:
            self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"QueryParams({self._values!r})"

    def all(self, name: str) -> list[str]:
        """Every value of a parameter, in order; an empty list if it is absent."""
        return list(self._values.get(name, ()))

    def pairs(self) -> list[tuple[str, str]]:
        """Every pair of name and value, in the order of the query string."""
        return list(self._pairs)


def parse_query(query_string: bytes, encoding: str = "utf-8") -> list[tuple[str, str]]:
    """The pairs of name and value in a query string, in order, with percent-encoding decoded."""
    return parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, encoding=encoding)
