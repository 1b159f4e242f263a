"""The API that describes itself: its document, its page in a browser, and Schemathesis, which tests the API against its
document."""

from pathlib import Path

import pytest
from tests.api_checks import check_api
from tests.browser import chromium, rendered
from tests.processes import EXAMPLES, ropewalk

from openapi_app import ROOMS, app
from ropewalk.testing import Client

client = Client(app)


def test_the_document() -> None:
    document = client.get("/openapi.json").json()
    assert document["info"] == {"title": "Hotel", "version": "1.0.0", "description": "The rooms of a hotel."}
    assert list(document["paths"]) == ["/rooms", "/rooms/{id}"]
    listing = document["paths"]["/rooms"]["get"]
    assert listing["summary"] == "List the rooms."
    assert listing["description"] == "They come in the order in which they were added."
    assert listing["parameters"][0]["description"] == "At least this many."
    assert document["components"]["schemas"]["NewRoom"]["properties"]["number"]["examples"] == ["12a"]
    assert list(document["paths"]["/rooms/{id}"]["get"]["responses"]) == ["200", "403", "404"]
    assert list(document["webhooks"]) == ["room-added"]
    assert [each["name"] for each in listing["parameters"]] == ["beds", "X-Program"]
    body = document["paths"]["/rooms"]["post"]["requestBody"]["content"]["application/json"]
    assert body["examples"]["a suite"]["value"] == {"number": "12a", "beds": 4}


def test_rooms() -> None:
    ROOMS.clear()
    added = client.post("/rooms", json={"number": "12a", "beds": 2})
    assert added.status == 201
    assert client.get("/rooms/1").json() == added.json()
    assert client.get("/rooms?beds=2").json() == [added.json()]
    assert client.get("/rooms/2").status == 404
    assert client.get("/health").text == "ok"


def test_a_blocked_program() -> None:
    assert client.get("/rooms", headers={"x-program": "old-crawler"}).status == 403


@pytest.mark.slow
@pytest.mark.skipif(chromium is None, reason="there is no Chromium here")
def test_the_page_in_a_browser(tmp_path: Path) -> None:
    """The Content-Security-Policy allows all that the page needs, and the page needs no network."""
    with ropewalk("run", EXAMPLES / "openapi_app.py") as server:
        page = rendered(f"{server.url}/docs", tmp_path)
    assert 'data-path="/rooms/{id}"' in page
    assert "Unable to render" not in page


@pytest.mark.slow
def test_the_api_does_as_its_document_says(tmp_path: Path) -> None:
    """Schemathesis sends valid and invalid requests that it makes from the document, and checks the responses."""
    with ropewalk("run", EXAMPLES / "openapi_app.py") as server:
        check_api(f"{server.url}/openapi.json", tmp_path, examples=30)
