"""A plugin for pytest: the standard library's client sends requests without a Host as HTTP/1.0, which needs none."""

from functools import wraps
from http.client import HTTPConnection
from typing import Any

end_headers = HTTPConnection.endheaders


@wraps(end_headers)
def older_without_host(self: Any, *arguments: Any, **options: Any) -> None:
    lines = self._buffer
    if not any(line.lower().startswith(b"host:") for line in lines):
        lines[0] = lines[0].replace(b" HTTP/1.1", b" HTTP/1.0")
    end_headers(self, *arguments, **options)


HTTPConnection.endheaders = older_without_host  # type: ignore[method-assign]
