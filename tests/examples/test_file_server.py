"""The server of files: an application, and a folder of downloads."""

import pytest

from file_server import HERE, app
from ropewalk.testing import Client

client = Client(app)


@pytest.mark.parametrize("path", ["/rooms/7", "/rooms"])
def test_the_page_of_the_application(path: str) -> None:
    response = client.get(path)
    assert (response.status, response.headers["cache-control"]) == (200, "no-cache")
    assert response.headers["vary"] == "Accept-Encoding"


def test_a_file_of_the_second_folder() -> None:
    assert client.get("/style.css").body == (HERE / "style.css").read_bytes()


def test_a_page_of_its_own_for_what_is_not_there() -> None:
    response = client.get("/missing.js")
    assert (response.status, response.body) == (404, (HERE / "not-found.html").read_bytes())


def test_the_list_of_downloads() -> None:
    entries = client.get("/downloads/", headers={"accept": "application/json"}).json()["entries"]
    assert {"knots", "rope.svg"} <= {each["name"] for each in entries}
    assert client.get("/downloads/rope.svg").headers["content-disposition"].startswith("attachment")
    assert client.get("/downloads/rope.svg", headers={"range": "bytes=0-3"}).status == 206
