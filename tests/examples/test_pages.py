"""Pages of a list."""

from pages import app
from ropewalk.testing import Client


def test_cursors() -> None:
    client = Client(app)
    first = client.get("/guests?city=Hull&limit=2")
    assert [guest["id"] for guest in first.json()["items"]] == [2, 4]
    cursor = first.json()["next"]
    assert first.headers["link"] == f'<http://localhost/guests?city=Hull&limit=2&cursor={cursor}>; rel="next"'
    second = client.get("/guests", params={"city": "Hull", "limit": 2, "cursor": cursor}).json()
    assert ([guest["id"] for guest in second["items"]], second["next"]) == ([6], None)
    assert client.get("/guests?cursor=made-up").json()["errors"][0]["name"] == "cursor"


def test_offsets() -> None:
    page = Client(app).get("/names?offset=6")
    assert page.json() == {"items": ["guest 7"], "total": 7, "offset": 6, "limit": 20}
    assert page.headers["link"].startswith('<http://localhost/names>; rel="first"')
