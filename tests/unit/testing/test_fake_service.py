"""The fake of other services."""

from typing import Any

import pytest
from twisted.python.failure import Failure

from ropewalk.client import HTTPClient, HTTPClientOptions
from ropewalk.errors import OptionError
from ropewalk.testing import FakeService, UnexpectedCall
from ropewalk.waiting import Waiter


def status(client: HTTPClient, method: str, url: str) -> int:
    found: list[object] = []
    client.request(method, url).addBoth(found.append)
    if isinstance(found[0], Failure):
        found[0].raiseException()
    return int(getattr(found[0], "status"))  # noqa: B009 - an object of any kind


def test_replies_in_order() -> None:
    fake = FakeService()
    client = HTTPClient(transport=fake)
    fake.reply("GET", "/", status=500)
    fake.reply("GET", "/", status=200)
    assert [status(client, "GET", "/") for _ in range(3)] == [500, 200, 200]


def test_paths() -> None:
    fake = FakeService()
    client = HTTPClient(transport=fake)
    fake.reply("GET", "/rooms/{id}.json", status=201)
    fake.reply("GET", "http://localhost/full", status=202)
    assert status(client, "GET", "/rooms/a%2Fb.json?x=1&y=") == 201
    assert status(client, "GET", "/full") == 202
    fake.reply("GET", "/zimmer ü/{id}", status=203)
    assert status(client, "GET", "/zimmer ü/7") == status(client, "GET", "/zimmer%20%C3%BC/7") == 203
    assert fake.calls[0].path == "/rooms/a%2Fb.json"
    assert fake.calls[0].query == {"x": "1", "y": ""}
    for wrong in ("/rooms/1/2.json", "/rooms/1xjson", "/fuller", "/x/full"):
        with pytest.raises(UnexpectedCall, match="RW361 GET .* The replies are: GET /rooms/{id}.json, GET http"):
            status(client, "GET", wrong)
    with pytest.raises(UnexpectedCall):
        status(client, "POST", "/full")


def test_an_origin() -> None:
    fake = FakeService()
    client = HTTPClient(HTTPClientOptions(base_url="https://rooms.internal"), transport=fake)
    fake.reply("GET", "https://other.internal/x")
    with pytest.raises(UnexpectedCall):
        status(client, "GET", "/x")
    fake.reply("GET", "https://rooms.internal/x", status=204)
    assert status(client, "GET", "/x") == 204


def test_a_waiter_is_returned() -> None:
    fake = FakeService()
    fake.reply("GET", "/")
    assert isinstance(HTTPClient(transport=fake).get("/"), Waiter)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/x"),
        ("", "/x"),
        (None, "/x"),
        ("GET", "x"),
        ("GET", ""),
        ("GET", "/x?y=1"),
        ("GET", "/x#y"),
        ("GET", "/\ud800"),
        ("GET", 5),
    ],
)
def test_replies_that_no_call_can_get(method: Any, path: Any) -> None:
    with pytest.raises(OptionError, match=r"RW271 FakeService\.reply: .*test_fake_service\.py"):
        FakeService().reply(method, path)


@pytest.mark.parametrize("wrong", [{"body": 5}, {"body": "x", "json": {}}, {"error": ValueError}, {"status": 99}])
def test_wrong_replies(wrong: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=r"RW271 .*test_fake_service\.py"):
        FakeService().reply("GET", "/", **wrong)


def test_options_that_do_not_exist() -> None:
    with pytest.raises(OptionError, match=r"RW270 .*test_fake_service\.py:\d+\)\. Here it is status"):
        FakeService().reply("GET", "/", status_code=201)  # type: ignore[arg-type] # it does not exist
