"""Responses: JSON, statuses, and the names that other test clients use."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from tests.problems import problem

from ropewalk import App, HTTPError, Request, Response
from ropewalk.testing import AsyncClient, Client, StatusError


class Room(msgspec.Struct):
    number: int


def make() -> Client:
    app = App()
    app.get("/room")(lambda request: {"number": 7})
    app.get("/text")(lambda request: "no JSON")
    app.get("/elsewhere")(lambda request: Response.redirect("/room"))
    app.delete("/room")(lambda request: None)
    app.post("/many")(lambda request: Response("x" * 1_000_000, 503))

    @app.get("/refused")
    def refused(request: Request) -> str:
        raise HTTPError(403, "Not for you.")

    return Client(app)


class TestJSON:
    def test_values(self) -> None:
        response = make().get("/room")
        assert response.json() == {"number": 7}
        assert response.json(Room) == Room(7)
        assert response.json(dict[str, int]) == {"number": 7}

    def test_what_is_not(self) -> None:
        response = make().get("/text?a=b")
        with pytest.raises(json.JSONDecodeError) as caught:
            response.json()
        note = "The response to GET http://localhost/text?a=b is 200 OK: b'no JSON'"
        assert caught.value.__notes__ == [note]
        with pytest.raises(msgspec.DecodeError) as caught_again:
            response.json(Room)
        assert caught_again.value.__notes__ == [note]

    def test_another_type(self) -> None:
        with pytest.raises(msgspec.ValidationError, match=r"Expected `str`, got `int` - at `\$\[...\]`"):
            make().get("/room").json(dict[str, str])


class TestStatus:
    @pytest.mark.parametrize(("method", "path"), [("GET", "/room"), ("DELETE", "/room")])
    def test_one_of_success(self, method: str, path: str) -> None:
        response = make().request(method, path)
        assert response.raise_for_status() is response

    def test_an_error(self) -> None:
        response = make().get("/refused")
        with pytest.raises(StatusError) as caught:
            response.raise_for_status()
        body = problem(403, "Not for you.").encode()
        what = f"RW227 GET http://localhost/refused: the response is 403 Forbidden, and its body is {body!r}."
        assert str(caught.value).startswith(what)
        assert caught.value.response is response
        assert isinstance(caught.value, AssertionError)

    def test_a_redirect(self) -> None:
        with pytest.raises(StatusError, match=r"GET http://localhost/elsewhere: .* 30\d \w+, to '/room'\."):
            make().get("/elsewhere").raise_for_status()
        assert make().get("/elsewhere", follow_redirects=True).raise_for_status().json() == {"number": 7}

    def test_a_large_body(self) -> None:
        with pytest.raises(StatusError) as caught:
            make().post("/many").raise_for_status()
        assert len(str(caught.value)) < 1000

    def test_of_a_coroutine(self) -> None:
        async def main() -> None:
            (await AsyncClient(make().app).get("/refused")).raise_for_status()

        with pytest.raises(StatusError, match="403 Forbidden"):
            asyncio.run(main())


class TestNames:
    @pytest.mark.parametrize(
        ("theirs", "ours"),
        [
            ("status_code", "status"),
            ("content", "body"),
            ("data", "body"),
            ("get_json", "json()"),
            ("is_success", "raise_for_status()"),
            ("iter_lines", "lines()"),
        ],
    )
    def test_of_other_clients(self, theirs: str, ours: str) -> None:
        response: Any = make().get("/room")
        with pytest.raises(AttributeError) as caught:
            getattr(response, theirs)
        assert str(caught.value) == f"'ClientResponse' object has no attribute {theirs!r}. Here it is {ours}."
        with (
            make().stream("GET", "/room") as stream,
            pytest.raises(AttributeError, match=f"'BlockingStream'.*{theirs}"),
        ):
            getattr(stream, theirs)

    def test_unknown(self) -> None:
        response: Any = make().get("/room")
        with pytest.raises(AttributeError, match="'ClientResponse' object has no attribute 'colour'$"):
            response.colour  # noqa: B018 - it raises
        assert not hasattr(response, "colour")


class TestAddresses:
    def test_the_default(self) -> None:
        app = App()
        app.get("/")(lambda request: list(request.client))
        assert Client(app).get("/").json() == ["127.0.0.1", 50000]
        assert Client(app, address=("2001:db8::1", 9)).get("/").json() == ["2001:db8::1", 9]

    @pytest.mark.parametrize("address", ["192.0.2.1", ("192.0.2.1",), ("nowhere", 80), ("192.0.2.1", 70000), (1, 2)])
    def test_wrong_ones(self, address: Any) -> None:
        with pytest.raises(ValueError, match=r"address must be like \('192\.0\.2\.1', 50000\), not"):
            Client(App(), address=address)
