"""One table of responses, with which each place that checks responses is tested.

The engine checks a response when it is sent, and `Response.settle` checks it when it is returned inside middleware. If
only one of them refused a response, middleware would see a response that the client does not get.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from ropewalk import App, Request, Response
from ropewalk.testing import Client

CASES: Final[list[tuple[int, list[tuple[str, str]], Any, str | None]]] = [
    # The syntax of Content-Length (RFC 9110, section 8.6)
    (200, [("content-length", "4")], "body", None),
    (200, [("content-length", "0")], "", None),
    (200, [("content-length", "")], "body", "RW304"),
    (200, [("content-length", "+4")], "body", "RW304"),
    (200, [("content-length", "04")], "body", "RW304"),
    (200, [("content-length", "00")], "", "RW304"),
    (200, [("content-length", "4, 4")], "body", "RW304"),
    (200, [("content-length", "0x4")], "body", "RW304"),
    (200, [("content-length", "\xb2")], "body", "RW304"),
    (200, [("content-length", "9" * 18)], "body", "RW303"),
    (200, [("content-length", "9" * 19)], "body", "RW304"),
    # Several field lines of Content-Length (RFC 9112, section 6.3)
    (200, [("content-length", "4"), ("content-length", "4")], "body", None),
    (200, [("content-length", "4"), ("content-length", "5")], "body", "RW304"),
    # Content-Length and the length of the body
    (200, [("content-length", "3")], "body", "RW303"),
    (200, [("content-length", "5")], b"body", "RW303"),
    (200, [("content-length", "5")], {"a": 1}, "RW303"),
    (200, [("content-length", "7")], {"a": 1}, None),
    (200, [("content-length", "4")], Path, None),
    (200, [("content-length", "5")], Path, "RW303"),
    (200, [("content-length", "4")], "", "RW303"),
    # Statuses of responses without a body (RFC 9110, sections 6.4.1 and 15.3.6)
    (204, [], "body", "RW201"),
    (205, [], "body", "RW201"),
    (304, [], "body", "RW201"),
    (204, [("content-length", "4")], "", None),
    (205, [("content-length", "0")], "", None),
    (205, [("content-length", "4")], "", "RW303"),
    (304, [("content-length", "4")], "", None),
    # Only the server sets Transfer-Encoding (RFC 9112, section 6.1)
    (200, [("transfer-encoding", "chunked")], "body", "RW304"),
    (200, [("transfer-encoding", "gzip")], "body", "RW304"),
    # The status (RFC 9110, section 15)
    (199, [], "", "RW304"),
    (600, [], "", "RW304"),
    (599, [], "", None),
]


def respond_with(status: int, headers: list[tuple[str, str]], body: Any, file: Path) -> Callable[[Request], Response]:
    return lambda request: Response(file if body is Path else body, status, headers)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("status", "headers", "body", "code"), CASES)
def test_the_engine_and_middleware_refuse_the_same_responses(
    status: int, headers: list[tuple[str, str]], body: Any, code: str | None, method: str, tmp_path: Path, log: Any
) -> None:
    file = tmp_path / "file.txt"
    file.write_text("body")
    if method == "HEAD" and code == "RW303" and not body:
        code = None  # in a response to HEAD, this may be the length of the body that GET would get
    seen = []
    app = App()
    app.get("/")(respond_with(status, headers, body, file))
    direct = Client(app, raise_errors=False).request(method, "/").status

    @app.middleware
    async def seeing(request: Request, next: Any) -> Response:
        response: Response = await next(request)
        seen.append(response.status)
        return response

    through = Client(app, raise_errors=False).request(method, "/").status
    expected = status if code is None else 500
    assert (direct, through, seen) == (expected, expected, [expected])
    assert [event["code"] for event in log] == ([] if code is None else [code] * 2)
