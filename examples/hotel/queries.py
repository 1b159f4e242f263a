"""The query of a URL as a struct."""

from typing import TypeVar

import msgspec

from ropewalk import HTTPError, Request

Query = TypeVar("Query", bound=msgspec.Struct)


def parse_query(request: Request, shape: type[Query]) -> Query:
    """Read the query of `request` as a `shape`. Raises `HTTPError` 422 if it does not match."""
    try:
        return msgspec.convert(dict(request.query.items()), shape, strict=False)
    except msgspec.ValidationError as error:
        raise HTTPError(422, str(error)) from error
