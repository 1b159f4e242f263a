"""Entity tags, and the preconditions of requests that change something."""

from dataclasses import dataclass
from typing import Any

import pytest

from ropewalk import App, Request
from ropewalk.errors import HandlerError, InvalidField
from ropewalk.etags import etag, is_etag, matches
from ropewalk.headers import parse_http_date
from ropewalk.testing import Client, ClientResponse


@dataclass
class Guest:
    name: str


class TestMaking:
    @pytest.mark.parametrize("value", [b"a", "a", "\ud800", 7, {"b": 1, "a": 2}, Guest("Ada"), None, [1, 2]])
    def test_of_these_values(self, value: Any) -> None:
        assert is_etag(etag(value))
        assert etag(value) == etag(value)
        assert etag(value, weak=True) == f"W/{etag(value)}"

    def test_equal_values_have_equal_tags(self) -> None:
        assert etag({"b": 1, "a": 2}) == etag({"a": 2, "b": 1})
        assert etag("a") == etag(b"a") == '"27c35e6e9373877f29e562464e46497e"'
        assert etag(Guest("Ada")) != etag(Guest("Bob"))

    def test_others_are_refused(self) -> None:
        with pytest.raises(HandlerError, match=r"RW212 etag\(\) was given <object"):
            etag(object())


@pytest.mark.parametrize(
    ("tag", "valid"),
    [('"a"', True), ('W/"a"', True), ('""', True), ("a", False), ('"a', False), ('"a b"', False), ('w/"a"', False)],
)
def test_what_a_tag_is(tag: str, valid: bool) -> None:
    assert is_etag(tag) is valid


def test_what_matches() -> None:
    assert matches('"a", "b"', '"b"', weak=False)
    assert not matches('W/"b"', '"b"', weak=False)
    assert not matches('W/"b"', 'W/"b"', weak=False)
    assert matches('W/"b"', '"b"', weak=True)
    assert not matches("*", None, weak=True)


class TestRequests:
    def put(self, current: str | None, **headers: str) -> ClientResponse:
        app = App()

        @app.put("/")
        def change(request: Request) -> str:
            request.if_match(current)
            request.if_none_match(current)
            return "changed"

        return Client(app).put("/", headers={name.replace("_", "-"): value for name, value in headers.items()})

    @pytest.mark.parametrize(
        ("current", "if_match", "status"),
        [
            ('"v1"', '"v1"', 200),
            ('"v1"', '"v0", "v1"', 200),
            ('"v1"', "*", 200),
            ('"v1"', '"v0"', 412),
            ('"v1"', 'W/"v1"', 412),
            ('W/"v1"', 'W/"v1"', 412),
            ('"v1"', "v1", 412),
            ('"v1"', "", 412),
            ('"v1"', '"' * 9000, 412),
            (None, "*", 412),
            (None, '"v1"', 412),
        ],
    )
    def test_if_match(self, current: str | None, if_match: str, status: int) -> None:
        response = self.put(current, if_match=if_match)
        assert response.status == status
        assert response.headers.get("etag") == (current if status == 412 else None)

    @pytest.mark.parametrize(
        ("current", "if_none_match", "status"),
        [(None, "*", 200), ('"v1"', "*", 412), ('"v1"', '"v1"', 412), ('"v1"', '"v0"', 200), ('"v1"', 'W/"v1"', 412)],
    )
    def test_if_none_match(self, current: str | None, if_none_match: str, status: int) -> None:
        assert self.put(current, if_none_match=if_none_match).status == status

    def test_without_preconditions(self) -> None:
        assert self.put('"v1"').status == 200

    def test_a_precondition_may_be_required(self) -> None:
        app = App()

        @app.put("/")
        def change(request: Request) -> str:
            request.require_precondition()
            return "changed"

        client = Client(app)
        assert client.put("/").status == 428
        assert client.put("/", headers={"if-none-match": "*"}).status == 428
        assert client.put("/", headers={"if-match": '"a"'}).status == 200

    def test_what_is_no_tag(self) -> None:
        app = App()

        @app.put("/")
        def change(request: Request) -> str:
            with pytest.raises(InvalidField, match="RW304 'v1' is not an entity tag"):
                request.if_match("v1")
            return "changed"

        assert Client(app).put("/").text == "changed"


def test_years_of_two_digits() -> None:
    now = 1_800_000_000.0  # in 2027
    assert parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", now) == 784111777
    assert parse_http_date("Sunday, 06-Nov-70 08:49:37 GMT", now) == 3182489377
    assert parse_http_date("Thursday, 31-Dec-99 23:59:60 GMT", now) == 946684799
