"""An application that responds to every request with the values that it sees in it."""

from typing import Any

from ropewalk import App, Request, Resource


class Echo(Resource):
    """Handles any method and path."""

    isLeaf = True

    def render(self, request: Request) -> dict[str, Any]:
        return {
            "method": request.method,
            "target": request.target.decode(),
            "path": request.raw_path.decode(),
            "query": request.query_string.decode(),
            "version": request.http_version,
            "fields": text_of(request.raw_headers()),
            "body": request.content.read().decode("latin-1"),
            "trailers": text_of(request.trailers()),
        }


def text_of(lines: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in lines]


app = App()
app.mount("/", Echo())
