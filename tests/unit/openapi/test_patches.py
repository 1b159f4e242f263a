"""Patches in the description."""

from typing import Any

import msgspec
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from tests.unit.openapi.described import described
from tests.unit.typed.patches.objects import Model, Struct

from ropewalk import App, JSONPatch, MergePatch


class Guest(msgspec.Struct):
    name: str
    phone: str | None


class Stay(msgspec.Struct, forbid_unknown_fields=True):
    guest: Guest
    friend: "Stay | None" = None
    notes: dict[str, str] = {}


def content(kind: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The content of the body and the operation of a handler that takes a patch."""
    app = App()

    def change(patch: Any) -> None: ...

    change.__annotations__["patch"] = kind
    app.patch("/")(change)
    document = described(app)
    operation = document["paths"]["/"]["patch"]
    found: dict[str, Any] = {
        name: {**each["schema"], "components": document["components"]}
        for name, each in operation["requestBody"]["content"].items()
    }
    return found, operation


def valid(schema: dict[str, Any], value: Any) -> bool:
    return bool(Draft202012Validator(schema).is_valid(value))


def test_a_merge_patch() -> None:
    found, operation = content(MergePatch[Stay])
    assert list(found) == ["application/merge-patch+json"]
    assert set(operation["responses"]) == {"204", "400", "413", "415", "422"}
    schema = found["application/merge-patch+json"]
    right: list[Any] = [{}, {"friend": None}, {"guest": {"phone": None}}, {"notes": {"a": None}}, {"friend": {}}]
    wrong: list[Any] = [[], {"guest": None}, {"guest": {"name": None}}, {"guest": 7}, {"other": 1}, {"notes": {"a": 1}}]
    assert [each for each in right if not valid(schema, each)] == []
    assert [each for each in wrong if valid(schema, each)] == []


def test_a_merge_patch_of_a_model() -> None:
    schema = content(MergePatch[Model])[0]["application/merge-patch+json"]
    assert valid(schema, {"tags": None})
    assert not valid(schema, {"beds": None})
    assert not valid(schema, {"beds": 0})


def test_a_json_patch() -> None:
    found, operation = content(JSONPatch[Struct])
    assert list(found) == ["application/json-patch+json"]
    assert set(operation["responses"]) == {"204", "400", "409", "413", "415", "422"}
    schema = found["application/json-patch+json"]
    assert valid(schema, [{"op": "move", "path": "/a", "from": "/b"}, {"op": "add", "path": "/a", "value": None}])
    wrong: list[Any] = [{}, [{"op": "add", "path": "/a"}], [{"op": "x", "path": "/"}], [{"op": "remove", "path": "a"}]]
    assert [each for each in wrong if valid(schema, each)] == []


def test_both() -> None:
    found, _ = content(MergePatch[Struct] | JSONPatch[Struct])
    assert list(found) == ["application/merge-patch+json", "application/json-patch+json"]
