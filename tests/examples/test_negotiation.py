"""One resource in several media types."""

import msgspec
import pytest

from negotiation import ROOMS, app
from ropewalk.msgpack_values import MSGPACK
from ropewalk.testing import Client


@pytest.mark.parametrize("path", ["/rooms", "/names"])
@pytest.mark.parametrize(
    ("accept", "status", "kind"),
    [
        ("*/*", 200, "application/json"),
        ("text/csv", 200, "text/csv"),
        ("application/json;q=0.1, text/csv", 200, "text/csv"),
        ("image/png", 406, "application/problem+json"),
    ],
)
def test_the_type(path: str, accept: str, status: int, kind: str) -> None:
    response = Client(app).get(path, headers={"accept": accept})
    assert (response.status, response.headers["vary"]) == (status, "Accept")
    assert response.headers["content-type"].partition(";")[0] == kind


def test_message_pack() -> None:
    sent = {"name": "Harbour", "beds": 3}
    headers = {"content-type": MSGPACK, "accept": MSGPACK}
    response = Client(app).post("/rooms", body=msgspec.msgpack.encode(sent), headers=headers)
    assert (response.status, response.headers["content-type"]) == (201, MSGPACK)
    assert msgspec.msgpack.decode(response.body) == sent
    del ROOMS[2:]


def test_lines_of_csv() -> None:
    assert Client(app).get("/rooms", headers={"accept": "text/csv"}).text == "Attic,1\r\nGarden,2\r\n"
