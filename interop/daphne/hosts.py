"""A plugin for pytest: the standard library's client sends a Host, though a test tells it not to (`skip_host`)."""

from functools import wraps
from http.client import HTTPConnection
from typing import Any

put_request = HTTPConnection.putrequest


@wraps(put_request)
def with_host(self: HTTPConnection, *arguments: Any, skip_host: bool = False, **options: Any) -> None:
    put_request(self, *arguments, **options)


HTTPConnection.putrequest = with_host  # type: ignore[method-assign]
