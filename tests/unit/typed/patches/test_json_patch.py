"""JSON patches (RFC 6902)."""

import sys
from typing import Any

import msgspec
import pytest
from tests.unit.typed.patches.objects import KINDS, ROOM, Struct, changed, client_of, faults, send

from ropewalk import JSONPatch, MergePatch
from ropewalk.errors import HandlerError
from ropewalk.testing import Client, ClientResponse
from ropewalk.typed.patches.json_patch import MOST_COPIED
from ropewalk.typed.patches.operations import MOST_OPERATIONS

JSON_PATCH = "application/json-patch+json"


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def client(request: Any) -> Client:
    return client_of(request.param, JSONPatch[request.param])


def op(name: str, path: str, **members: Any) -> dict[str, Any]:
    return {"op": name, "path": path, **members}


def sent(client: Client, *operations: Any) -> ClientResponse:
    return send(client, list(operations), JSON_PATCH)


class TestOperations:
    @pytest.mark.parametrize(
        ("operations", "after"),
        [
            ([], {}),
            ([op("replace", "/beds", value=3)], {"beds": 3}),
            ([op("add", "/tags/0", value="a"), op("add", "/tags/-", value="z")], {"tags": ["a", "sea", "z"]}),
            ([op("remove", "/extras/tv")], {"extras": {}}),
            ([op("copy", "/extras/b", **{"from": "/extras/tv"})], {"extras": {"tv": "old", "b": "old"}}),
            ([op("move", "/extras/a~1b", **{"from": "/extras/tv"})], {"extras": {"a/b": "old"}}),
            ([op("test", "/beds", value=2), op("replace", "/beds", value=4)], {"beds": 4}),
            ([op("replace", "/since", value=None)], {"since": None}),
            ([op("replace", "/beds", value=3, note="ignored")], {"beds": 3}),
        ],
    )
    def test_those_that_apply(self, client: Client, operations: Any, after: Any) -> None:
        assert changed(client, operations, JSON_PATCH) == ROOM | after

    @pytest.mark.parametrize(
        "operation",
        [
            op("test", "/beds", value=3),
            op("test", "/beds", value=True),
            op("test", "/nothing", value=1),
            op("remove", "/nothing"),
            op("replace", "/tags/7", value="x"),
            op("add", "/tags/9", value="x"),
            op("add", "/tags/x", value="x"),
            op("add", "/beds/deeper", value="x"),
            op("copy", "/tags/0", **{"from": "/nothing"}),
            op("move", "/extras/tv/x", **{"from": "/extras"}),
            op("add", f"/tags/{'9' * 1900}", value="x"),
        ],
    )
    def test_those_that_the_object_does_not_allow(self, client: Client, operation: dict[str, Any]) -> None:
        response = sent(client, op("test", "/number", value="12"), operation)
        assert response.status == 409, response.text
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        assert (problem["operation"], problem["pointer"]) == (1, operation["path"])
        assert problem["detail"].startswith(f"Operation 1 ({operation['op']}) cannot be applied: ")

    @pytest.mark.parametrize(
        "operation",
        [
            op("remove", "/nothing/x"),
            op("replace", "/nothing/x", value=1),
            op("add", "/nothing/x", value=1),
            op("test", "/number", value=1),
            op("test", "/nothing/x", value=1),
            op("copy", "/beds", **{"from": "/nothing"}),
            op("move", "/beds", **{"from": "/nothing/x"}),
            op("move", "/nothing/x", **{"from": "/beds"}),
        ],
    )
    def test_none_shows_the_object(self, operation: dict[str, Any]) -> None:
        """The client may not be allowed to see all fields of the object that it patches, so no error shows a value."""
        client = client_of(Struct, JSONPatch[Struct], Struct(**{**ROOM, "number": "secret"}))
        response = sent(client, operation)
        assert response.status == 409
        assert "secret" not in response.text

    def test_all_or_nothing(self) -> None:
        room = Struct(**ROOM)
        client = client_of(Struct, JSONPatch[Struct], room)
        assert sent(client, op("add", "/tags/0", value="x"), op("test", "/beds", value=7)).status == 409
        assert room == Struct(**ROOM)

    def test_every_fault_of_the_result(self, client: Client) -> None:
        wrong = [op("replace", "/beds", value=0), op("remove", "/number"), op("add", "/tags/0", value=1)]
        assert faults(sent(client, *wrong)) == {"/number": "missing", "/beds": "range", "/tags/0": "type"}

    def test_the_whole_replaced(self, client: Client) -> None:
        assert changed(client, [op("replace", "", value={"number": "1", "beds": 1})], JSON_PATCH)["number"] == "1"
        assert sent(client, op("replace", "", value=7)).status == 422
        assert sent(client, op("remove", "")).status == 409


class TestMalformed:
    @pytest.mark.parametrize(
        ("body", "found"),
        [
            ({}, {"": "type"}),
            ([1], {"/0": "type"}),
            ([{}], {"/0": "missing"}),
            ([op("erase", "/a")], {"/0": "choice"}),
            ([op("remove", "a")], {"/0/path": "pattern"}),
            ([op("remove", "/a~2")], {"/0/path": "pattern"}),
            ([op("add", "/a")], {"/0/value": "missing"}),
            ([op("move", "/a")], {"/0/from": "missing"}),
            ([op("add", "/a"), op("copy", "/a", **{"from": "b"})], {"/0/value": "missing", "/1/from": "pattern"}),
        ],
    )
    def test_operations(self, body: Any, found: dict[str, str]) -> None:
        assert faults(send(client_of(Struct, JSONPatch[Struct]), body, JSON_PATCH)) == found

    def test_not_json(self) -> None:
        assert send(client_of(Struct, JSONPatch[Struct]), b"[", JSON_PATCH).status == 400

    def test_another_media_type(self) -> None:
        response = send(client_of(Struct, JSONPatch[Struct]), {})
        assert (response.status, response.headers["accept-patch"]) == (415, JSON_PATCH)


class Notes(msgspec.Struct):
    notes: dict[str, Any]


class TestBounds:
    def test_operations(self) -> None:
        client = client_of(Struct, JSONPatch[Struct])
        most = [op("test", "/beds", value=2)] * MOST_OPERATIONS
        assert sent(client, *most).status == 204
        assert faults(sent(client, *most, most[0])) == {"": "length"}

    @pytest.mark.parametrize("name", ["copy", "move"])
    def test_what_is_copied(self, name: str) -> None:
        """The copied data is limited, because each operation could copy the whole object, or double it."""
        client = client_of(Notes, JSONPatch[Notes], Notes({"a": "x" * 1000}))
        places = ["/notes/a", "/notes/b"]
        moves = [op(name, places[1 - index % 2], **{"from": places[index % 2]}) for index in range(MOST_OPERATIONS)]
        response = sent(client, *moves)
        assert "The operations copy too much." in response.text
        (pointer,) = faults(response)
        assert int(pointer[1:]) == pytest.approx(MOST_COPIED / 1000, abs=2)

    def test_a_copy_bomb(self) -> None:
        client = client_of(Notes, JSONPatch[Notes], Notes({"a": "x"}))
        bomb = [op("copy", f"/notes/n{index}", **{"from": "/notes"}) for index in range(64)]
        (pointer,) = faults(sent(client, *bomb))
        assert int(pointer[1:]) < 20

    def test_one_move_in_a_large_object(self) -> None:
        client = client_of(Notes, JSONPatch[Notes], Notes({"a": "x" * 2 * MOST_COPIED}))
        assert sent(client, op("move", "/notes/b", **{"from": "/notes/a"})).status == 204

    def test_depth(self) -> None:
        """No patch makes an object that is too deep to be copied or encoded."""
        client = client_of(Notes, JSONPatch[Notes], Notes({}))
        value: Any = 1
        for _ in range(190):
            value = {"a": value}
        deep = [op("add", "/notes/a", value=value), op("add", "/notes" + "/a" * 99, value=value)]
        assert sent(client, *deep).status == 204
        assert "nested too deeply" in sent(client, *deep, op("copy", "/notes/b", **{"from": "/notes"})).text
        assert faults(sent(client, op("add", "/a" * 101, value=1))) == {"/0/path": "pattern"}


class TestBothKinds:
    def test_the_media_type_chooses(self) -> None:
        client = client_of(Struct, JSONPatch[Struct] | MergePatch[Struct])
        assert changed(client, {"beds": 3})["beds"] == 3
        assert changed(client, [op("replace", "/beds", value=4)], JSON_PATCH)["beds"] == 4
        response = send(client, {}, "application/json")
        assert response.status == 415
        assert response.headers["accept-patch"] == "application/json-patch+json, application/merge-patch+json"


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonpatch", None)
    with pytest.raises(HandlerError, match=r"^RW261 A handler .*jsonpatch is not installed.*ropewalk\[patch\]"):
        client_of(Struct, JSONPatch[Struct])
    client_of(Struct, MergePatch[Struct])
