"""The parameters of a query string."""

from urllib.parse import parse_qsl

from ropewalk.multi_values import MultiValues


class QueryParams(MultiValues[str]):
    """The query parameters by name.

    `query["tag"]` is the first value of the parameter; `query.all("tag")` has every value.
    """

    __slots__ = ()

    def __init__(self, query_string: bytes) -> None:
        super().__init__(parse_query(query_string))


def parse_query(query_string: bytes, encoding: str = "utf-8") -> list[tuple[str, str]]:
    """The pairs of name and value in a query string, in order, with percent-encoding decoded."""
    return parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, encoding=encoding)
