"""Partial updates."""

import json
from typing import Any

import pytest

import partial_updates
from partial_updates import Room, app
from ropewalk.testing import Client, ClientResponse


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(partial_updates, "rooms", {1: Room(id=1, beds=2, view="sea", tags=["quiet"])})
    return Client(app)


def send(client: Client, path: str, patch: Any, kind: str, **fields: str) -> ClientResponse:
    headers = {"content-type": f"application/{kind}-patch+json", **fields}
    return client.patch(path, body=json.dumps(patch), headers=headers)


def test_a_merge_patch(client: Client) -> None:
    changed = send(client, "/rooms/1", {"beds": 3, "view": None}, "merge")
    assert changed.json() == {"beds": 3, "view": None, "tags": ["quiet"], "id": 1}
    wrong = send(client, "/rooms/1", {"beds": 0, "id": 7}, "merge").json()["errors"]
    assert [(each["pointer"], each["code"]) for each in wrong] == [("/beds", "range"), ("/id", "unknown")]
    assert send(client, "/rooms/2", {}, "merge").status == 404


def test_both_kinds_with_a_precondition(client: Client) -> None:
    patch = [{"op": "test", "path": "/beds", "value": 2}, {"op": "add", "path": "/tags/-", "value": "warm"}]
    assert send(client, "/safe/1", patch, "json").status == 428
    assert send(client, "/safe/1", patch, "json", **{"if-match": '"x"'}).status == 412
    changed = send(client, "/safe/1", patch, "json", **{"if-match": "*"})
    assert changed.json()["tags"] == ["quiet", "warm"]
    tag = changed.headers["etag"]
    assert send(client, "/safe/1", {"beds": 3}, "merge", **{"if-match": tag}).status == 200
    assert send(client, "/safe/1", patch, "json", **{"if-match": "*"}).status == 409
