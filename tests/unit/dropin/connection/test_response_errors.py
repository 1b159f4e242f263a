"""Invalid responses of applications, which cannot be sent."""

from typing import Any

import pytest
from tests.unit.dropin.connection.sites import serve
from tests.unit.dropin.world import World
from twisted.web.server import NOT_DONE_YET


def test_a_response_that_cannot_be_sent_is_an_error_of_the_program(there: World, way: str, log: Any) -> None:
    def render(request: Any) -> Any:
        request.setResponseCode(200, b"Fine\r\nX: injected")
        return b"body"

    client = serve(there, way, render)
    client.get()
    response = client.rest()
    assert response.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"injected" not in response
    assert "cannot send a response of the application" in log.text


@pytest.mark.parametrize("status", [99, 100, 101, 103, 199, 600])
@pytest.mark.parametrize("whole", [True, False])
def test_a_status_that_is_not_final(there: World, way: str, status: int, whole: bool, log: Any) -> None:
    def render(request: Any) -> Any:
        request.setResponseCode(status, b"Odd")
        if whole or status == 101:  # a 101 in parts would be an upgrade
            return b"body"
        request.write(b"body")
        request.finish()
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.get("/odd%FF")
    assert client.rest().startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    [failure] = [event["log_failure"] for event in log if "log_failure" in event]
    assert f"{failure.value}" == (
        f"RW751 GET /odd%FF: the program responds with the status {status}. Give setResponseCode a status from 200 to "
        "599: a 1xx status is not final (RFC 9110, section 15.2)."
    )


def test_a_body_longer_than_its_content_length(there: World, way: str, log: Any) -> None:
    def render(request: Any) -> Any:
        request.setHeader(b"Content-Length", b"2")
        request.write(b"ok")
        request.write(b"HTTP/1.1 200 Another")
        request.finish()
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.get()
    assert client.rest().endswith(b"\r\n\r\nok")
    assert "drops the bytes beyond the Content-Length" in log.text
