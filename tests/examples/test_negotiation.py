"""One resource in two media types."""

import pytest

from negotiation import app
from ropewalk.testing import Client


@pytest.mark.parametrize(
    ("accept", "status", "kind"),
    [
        ("*/*", 200, "application/json"),
        ("text/csv", 200, "text/csv"),
        ("application/json;q=0.1, text/csv", 200, "text/csv"),
        ("image/png", 406, "application/problem+json"),
    ],
)
def test_the_type(accept: str, status: int, kind: str) -> None:
    response = Client(app).get("/rooms", headers={"accept": accept})
    assert (response.status, response.headers["content-type"], response.headers["vary"]) == (status, kind, "Accept")
