"""Merge patches (RFC 7396)."""

from datetime import date
from typing import Annotated, Any

import msgspec
import pydantic
import pytest
from tests.unit.conftest import Log
from tests.unit.typed.patches.objects import KINDS, ROOM, Attrs, Struct, changed, client_of, faults, send

from ropewalk import App, Body, FieldError, InvalidInput, JSONPatch, MergePatch, Query
from ropewalk.errors import HandlerError
from ropewalk.testing import Client
from ropewalk.typed.patches.targets import target_of


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def client(request: Any) -> Client:
    return client_of(request.param, MergePatch[request.param])


class TestFields:
    def test_none(self, client: Client) -> None:
        assert changed(client, {}) == ROOM

    def test_some(self, client: Client) -> None:
        assert changed(client, {"beds": 3, "since": "2027-06-01"}) == ROOM | {"beds": 3, "since": date(2027, 6, 1)}

    def test_an_array_is_replaced(self, client: Client) -> None:
        assert changed(client, {"tags": ["a", "b"]})["tags"] == ["a", "b"]

    def test_null_where_none_is_allowed(self, client: Client) -> None:
        assert changed(client, {"since": None}) == ROOM | {"since": None}

    def test_null_where_there_is_a_default(self, client: Client) -> None:
        assert changed(client, {"tags": None}).get("tags", []) == []

    def test_members_of_a_dict(self, client: Client) -> None:
        assert changed(client, {"extras": {"tv": None, "bath": "new"}})["extras"] == {"bath": "new"}

    def test_every_fault_of_the_result(self, client: Client) -> None:
        wrong = {"number": None, "beds": 0, "since": "soon", "tags": ["a", 1], "extras": {"x": 1}}
        assert faults(send(client, wrong)) == {
            "/number": "missing",
            "/beds": "range",
            "/since": "format",
            "/tags/1": "type",
            "/extras/x": "type",
        }

    def test_the_object_itself_stays_as_it_is(self) -> None:
        room = Struct(**ROOM)
        changed(client_of(Struct, MergePatch[Struct], room), {"tags": ["x"], "extras": {"tv": None}})
        assert room == Struct(**ROOM)


class TestTheExamplesOfTheRFC:
    """RFC 7396, appendix A: those whose target and patch are objects."""

    @pytest.mark.parametrize(
        ("before", "patch", "after"),
        [
            ({"a": "b"}, {"a": "c"}, {"a": "c"}),
            ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
            ({"a": "b"}, {"a": None}, {}),
            ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
            ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
            ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
            ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
            ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
            ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
            ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ],
    )
    def test_one(self, before: Any, patch: Any, after: Any) -> None:
        assert MergePatch[dict[str, Any]](patch, target_of(dict[str, Any])).apply(before) == after


class Guest(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    first_name: str
    phone: str | None


class Stay(msgspec.Struct):
    guest: Guest | None
    friend: "Stay | None" = None


class TestNestedObjects:
    STAY = Stay(Guest("Ada", "1"), Stay(Guest("Bea", "2")))

    def test_fields_by_the_names_that_clients_write(self) -> None:
        client = client_of(Stay, MergePatch[Stay], self.STAY)
        assert send(client, {"guest": {"firstName": "Eve", "phone": None}}).status == 204
        assert client.app.changed == [Stay(Guest("Eve", None), Stay(Guest("Bea", "2")))]

    def test_of_a_type_that_contains_itself(self) -> None:
        client = client_of(Stay, MergePatch[Stay], self.STAY)
        assert send(client, {"friend": {"guest": {"phone": None}}}).status == 204
        assert client.app.changed == [Stay(Guest("Ada", "1"), Stay(Guest("Bea", None)))]

    def test_null_for_an_object(self) -> None:
        client = client_of(Stay, MergePatch[Stay], self.STAY)
        assert send(client, {"guest": None}).status == 204
        assert client.app.changed == [Stay(None, Stay(Guest("Bea", "2")))]

    def test_faults_in_them(self) -> None:
        client = client_of(Stay, MergePatch[Stay], self.STAY)
        wrong = {"guest": {"firstName": None, "x": 1}, "friend": {"guest": {"phone": 7}}}
        found = {"/guest/firstName": "missing", "/guest/x": "unknown", "/friend/guest/phone": "type"}
        assert faults(send(client, wrong)) == found


class Labelled(Struct, kw_only=True):
    """A room with a field that the type of the patch does not have, so a client cannot change it."""

    id: int


class TestWhatIsChanged:
    def test_only_the_fields_of_the_type(self) -> None:
        """The object may have more fields, such as the id of a stored object. A patch does not change them."""
        client = client_of(Struct, MergePatch[Struct], Labelled(id=7, **ROOM))
        assert changed(client, {"id": 8, "beds": 3}) == ROOM | {"beds": 3}
        assert type(client.app.changed) is list

    def test_only_the_fields_of_the_types_of_its_parts(self) -> None:
        class Known(Guest):
            secret: str = "x"

        client = client_of(Stay, MergePatch[Stay], Stay(Known("Ada", "1")))
        assert send(client, {"guest": {"phone": "2"}}).status == 204
        assert client.app.changed == [Stay(Guest("Ada", "2"))]

    def test_another_class_with_the_same_fields(self) -> None:
        assert changed(client_of(Struct, MergePatch[Struct], Attrs(**ROOM)), {"beds": 3}) == ROOM | {"beds": 3}

    @pytest.mark.parametrize("value", [Struct(**ROOM | {"beds": 0}), "a room", {"number": "12"}])
    def test_what_was_invalid_before_is_no_mistake_of_the_client(self, log: Log, value: Any) -> None:
        client = client_of(Struct, MergePatch[Struct], value)
        assert send(client, {"number": "14"}).status == 500
        assert "RW260 PATCH /: " in log.text
        assert "is not a valid " in log.text

    def test_a_check_of_the_whole(self) -> None:
        class Nights(msgspec.Struct):
            arrival: int
            departure: int

            def __post_init__(self) -> None:
                if self.arrival >= self.departure:
                    raise ValueError("departure must be after arrival")

        response = send(client_of(Nights, MergePatch[Nights], Nights(1, 3)), {"departure": 1})
        assert faults(response) == {"": "invalid"}
        assert "departure must be after arrival" in response.text


class TestTheBody:
    @pytest.mark.parametrize("body", [[], "text", None, 7])
    def test_not_an_object(self, client: Client, body: Any) -> None:
        """In RFC 7396, such a patch would replace the whole object, so it is refused."""
        assert faults(send(client, body)) == {"": "type"}

    def test_not_json(self, client: Client) -> None:
        assert send(client, b"{").status == 400

    def test_too_deep(self, client: Client) -> None:
        assert send(client, b'{"a":' * 300 + b"1" + b"}" * 300).status == 400

    @pytest.mark.parametrize("given", ["application/json", "application/json-patch+json", "text/plain"])
    def test_another_media_type(self, client: Client, given: str) -> None:
        response = send(client, {}, given)
        assert response.status == 415
        assert response.headers["accept-patch"] == response.headers["accept"] == "application/merge-patch+json"

    def test_other_media_types_by_name(self) -> None:
        types = ("application/merge-patch+json", "application/json")
        client = client_of(Struct, Annotated[MergePatch[Struct], Body(media_types=types)])
        assert changed(client, {"beds": 3}, "application/json")["beds"] == 3

    def test_what_was_sent(self) -> None:
        app = App()

        @app.patch("/")
        def change(patch: MergePatch[Struct] | None = None) -> dict[str, Any]:
            if patch is None:
                return {}
            return {"document": patch.document, "since": "since" in patch, "beds": "beds" in patch}

        client = Client(app)
        assert client.patch("/").json() == {}
        sent = send(client, {"since": None}).json()
        assert sent == {"document": {"since": None}, "since": True, "beds": False}

    def test_errors_beside_those_of_other_inputs(self) -> None:
        app = App()

        @app.patch("/")
        def change(patch: MergePatch[Struct], count: int) -> None:
            raise AssertionError

        response = Client(app).patch("/?count=x", body="[]", headers={"content-type": "application/merge-patch+json"})
        assert {each["location"] for each in response.json()["errors"]} == {"query", "body"}


class TestRegistration:
    def test_a_patch_in_the_query(self) -> None:
        with pytest.raises(HandlerError, match="RW214 .*patch is a patch, which only a body can have"):
            client_of(Struct, Annotated[MergePatch[Struct], Query()])

    def test_a_type_that_is_not_read(self) -> None:
        class Strange:
            pass

        with pytest.raises(HandlerError, match="RW214 .*Strange"):
            client_of(Struct, MergePatch[Strange])


class TestOptions:
    """Accept-Patch (RFC 5789, section 3.1)."""

    @pytest.mark.parametrize(
        ("patch", "types"),
        [
            (MergePatch[Struct], "application/merge-patch+json"),
            (MergePatch[Struct] | JSONPatch[Struct], "application/merge-patch+json, application/json-patch+json"),
            (Struct, "application/json"),
        ],
    )
    def test_the_types_that_the_handler_takes(self, patch: Any, types: str) -> None:
        client = client_of(Struct, patch)
        mounted = App()
        mounted.mount("/rooms/{id}", client.app)
        for response in (client.options("/"), Client(mounted).options("/rooms/7/")):
            assert (response.status, response.headers["allow"]) == (204, "OPTIONS, PATCH")
            assert response.headers["accept-patch"] == types

    def test_none_without_patch(self) -> None:
        app = App()
        app.put("/")(lambda request: "")
        app.patch("/untyped")(lambda request: "")
        assert "accept-patch" not in Client(app).options("/").headers
        assert "accept-patch" not in Client(app).options("/untyped").headers


def test_the_errors_of_a_patch_can_be_changed() -> None:
    """An error handler for InvalidInput gets the errors of a patch, as it gets those of a body."""
    app = App()

    @app.error(InvalidInput)
    def invalid(request: Any, error: InvalidInput) -> dict[str, list[FieldError]]:
        return {"wrong": list(error.errors)}

    @app.patch("/")
    def change(patch: MergePatch[Struct]) -> None:
        patch.apply(Struct(**ROOM))

    assert [each["pointer"] for each in send(Client(app), {"beds": 0}).json()["wrong"]] == ["/beds"]


class Aliased(pydantic.BaseModel):
    first_name: str = pydantic.Field(alias="firstName")
    phone: str | None = None


def test_the_aliases_of_a_model() -> None:
    client = client_of(Aliased, MergePatch[Aliased], Aliased(firstName="Ada", phone="1"))
    assert send(client, {"firstName": "Bea", "phone": None}).status == 204
    assert client.app.changed == [Aliased(firstName="Bea")]


def test_the_places_of_a_type_are_made_once() -> None:
    """A client cannot make the cache of places grow by nesting its patches more deeply."""
    target: Any = target_of(Stay)
    for depth in range(1, 40):
        patch: Any = {"guest": None}
        for _ in range(depth):
            patch = {"friend": patch, f"other{depth}": {"x": None}}
        MergePatch[Stay](patch, target)
        assert "guest" not in target.place.below("friend").below(f"other{depth}")._fields
        place = target.place
        for _ in range(depth):
            place = place.below("friend")
        assert place.may_be_null("guest")
    assert len(target.place._places._made) < 20


class Key(pydantic.BaseModel):
    name: str
    value: pydantic.SecretStr = pydantic.SecretStr("")


class Account(pydantic.BaseModel):
    name: str
    password: pydantic.SecretStr
    token: pydantic.SecretBytes = pydantic.SecretBytes(b"token")
    keys: list[Key] = []


class TestSecrets:
    """Pydantic writes a secret as asterisks, which a patch must not store as the new value."""

    def apply(self, content_type: str, body: Any) -> Account:
        account = Account(
            name="ada",
            password=pydantic.SecretStr("open sesame"),
            keys=[Key(name=name, value=pydantic.SecretStr(name * 2)) for name in ("a", "b")],
        )
        found: list[Account] = []
        app = App()

        @app.patch("/")
        def change(patch: MergePatch[Account] | JSONPatch[Account]) -> None:
            found.append(patch.apply(account))

        body = msgspec.json.encode(body)
        response = Client(app).patch("/", body=body, headers={"content-type": content_type})
        assert response.status == 204, response.text
        return found[0]

    def test_they_stay(self) -> None:
        account = self.apply("application/merge-patch+json", {"name": "eve"})
        assert (account.name, account.password.get_secret_value()) == ("eve", "open sesame")
        assert account.token.get_secret_value() == b"token"
        assert [key.value.get_secret_value() for key in account.keys] == ["aa", "bb"]

    def test_they_change(self) -> None:
        account = self.apply("application/merge-patch+json", {"password": "new", "token": None})
        assert account.password.get_secret_value() == "new"

    def test_they_cannot_be_copied_to_another_field(self) -> None:
        operations = [
            {"op": "copy", "from": "/password", "path": "/name"},
            {"op": "test", "path": "/name", "value": "**********"},
            {"op": "remove", "path": "/keys/0"},
        ]
        account = self.apply("application/json-patch+json", operations)
        assert account.name == "**********"
        assert account.password.get_secret_value() == "open sesame"
        assert [key.value.get_secret_value() for key in account.keys] == ["bb"]
