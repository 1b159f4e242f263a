"""Basic, API keys and Twisted's checkers: valid, invalid and malformed credentials."""

from base64 import b64encode
from typing import Any

import pytest
from tests.unit.auth.conftest import ADA, Machine, basic, check_key, check_user
from tests.unit.conftest import Log
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import deferLater

from ropewalk import App, HTTPError, Request
from ropewalk.auth import APIKey, BasicAuth, Identity, NotAuthenticated, Scheme, authenticate, principal_of
from ropewalk.errors import HandlerError
from ropewalk.testing import Client

BASIC = 'Basic realm="app", charset="UTF-8"'


def guarded(*schemes: Scheme, optional: bool = False) -> Client:
    app = App(middleware=[authenticate(*schemes, optional=optional)])

    @app.get("/")
    def me(request: Request) -> str:
        principal = request.state.authentication.principal
        return "anonymous" if principal is None else f"{getattr(principal, 'name', principal)}"

    return Client(app, raise_errors=False)


def challenge(response: Any) -> str | None:
    found: str | None = response.headers.get("www-authenticate")
    return found


class TestBasic:
    def test_valid(self) -> None:
        client = guarded(BasicAuth(check_user))
        assert client.get("/", headers=basic("ada", "s3cret")).text == "ada"

    def test_utf_8_and_a_colon_in_the_password(self) -> None:
        assert guarded(BasicAuth(check_user)).get("/", headers=basic("zoë", "a:b")).text == "zoë"

    def test_the_scheme_in_any_case(self) -> None:
        given = basic("ada", "s3cret")["Authorization"].replace("Basic", "bAsIC")
        assert guarded(BasicAuth(check_user)).get("/", headers={"Authorization": given}).status == 200

    def test_absent_and_wrong(self, log: Log) -> None:
        client = guarded(BasicAuth(check_user))
        for headers in ({}, basic("ada", "wrong"), basic("eve", "s3cret"), {"Authorization": "Digest username=x"}):
            response = client.get("/", headers=headers)
            assert (response.status, challenge(response)) == (401, BASIC)
        assert log == []

    @pytest.mark.parametrize(
        "credentials",
        [
            "",
            "!!!",
            "YWRh",  # no colon
            "YWRhOnMzY3JldA",  # no padding
            "YWRhOnMzY3JldA== YWRhOnMzY3JldA==",
            "YWRhOnMzY3JldA==, Basic YWRhOnMzY3JldA==",
            b64encode(b"ada:s3cret\n").decode(),
            b64encode(b"ada:s3\x00cret").decode(),
            b64encode(b"\xff\xfe:s3cret").decode(),
            "\u00e9",
            "A" * 8000,
        ],
    )
    def test_malformed(self, credentials: str, log: Log) -> None:
        response = guarded(BasicAuth(check_user)).get("/", headers={"Authorization": f"Basic {credentials}"})
        assert (response.status, challenge(response)) == (401, BASIC)
        assert log == []

    def test_two_fields(self, log: Log) -> None:
        given = basic("ada", "s3cret")["Authorization"]
        response = guarded(BasicAuth(check_user)).get("/", headers=[("Authorization", given), ("Authorization", given)])
        assert (response.status, challenge(response)) == (400, BASIC)
        assert log == []

    def test_a_realm_is_quoted(self) -> None:
        response = guarded(BasicAuth(check_user, realm='The "hotel" \\ office')).get("/")
        assert challenge(response) == 'Basic realm="The \\"hotel\\" \\\\ office", charset="UTF-8"'

    @pytest.mark.parametrize("realm", ["a\r\nSet-Cookie: x=1", "é", "\x7f", 3])
    def test_a_realm_that_a_field_cannot_carry(self, realm: Any) -> None:
        with pytest.raises(HandlerError, match="RW240"):
            BasicAuth(check_user, realm=realm)


class TestChecks:
    def test_deferred_and_coroutine(self) -> None:
        async def later(name: str, password: str) -> Any:
            from twisted.internet import reactor

            return await deferLater(reactor, 0, check_user, name, password)

        def deferred(name: str, password: str) -> "Deferred[Any]":
            return succeed(check_user(name, password))

        for check in (later, deferred):
            client = guarded(BasicAuth(check))
            assert client.get("/", headers=basic("ada", "s3cret")).text == "ada"
            assert client.get("/", headers=basic("ada", "no")).status == 401

    def test_false_refuses(self) -> None:
        assert guarded(BasicAuth(lambda *_: False)).get("/", headers=basic("a", "b")).status == 401

    def test_true_is_no_principal(self, log: Log) -> None:
        assert guarded(BasicAuth(lambda *_: True)).get("/", headers=basic("a", "b")).status == 500
        assert "RW242" in log.text

    def test_an_exception_is_a_logged_500_and_an_http_error_a_response(self, log: Log) -> None:
        def fail(name: str, password: str) -> Any:
            raise RuntimeError("no database") if name == "a" else HTTPError(503)

        client = guarded(BasicAuth(fail))
        assert client.get("/", headers=basic("b", "b")).status == 503
        assert log == []
        assert client.get("/", headers=basic("a", "b")).status == 500
        assert "no database" in log.text


class TestAPIKey:
    def test_a_header(self, log: Log) -> None:
        client = guarded(APIKey("X-API-Key", check=check_key))
        assert client.get("/", headers={"x-api-key": "key-1"}).text == "printer"
        for wrong in ("", "key-2", "k" * 5000, "\u00e9"):
            assert client.get("/", headers={"X-API-Key": wrong}).status == 401
        twice = client.get("/", headers=[("X-API-Key", "key-1"), ("X-API-Key", "key-1")])
        assert twice.status == 400
        assert challenge(client.get("/")) == 'ApiKey realm="app", in="header", name="X-API-Key"'
        assert log == []

    def test_a_query(self) -> None:
        client = guarded(APIKey("key", where="query", check=check_key))
        assert client.get("/?key=key-1").text == "printer"
        assert client.get("/?key=%6bey-1").text == "printer"
        assert [client.get(path).status for path in ("/", "/?key=", "/?key=no", "/?key=key-1&key=key-1")] == [
            401,
            401,
            401,
            400,
        ]
        assert client.get("/?key=%ff%ed%a0%80").status == 401

    def test_a_cookie(self) -> None:
        client = guarded(APIKey("key", where="cookie", check=check_key))
        assert client.get("/", headers={"Cookie": "a=b; key=key-1"}).text == "printer"
        assert client.get("/", headers={"Cookie": "a=b"}).status == 401

    @pytest.mark.parametrize(
        ("name", "where"), [("X Key", "header"), ("", "query"), ("Authorization", "header"), ("k", "body")]
    )
    def test_wrong_options(self, name: str, where: Any) -> None:
        with pytest.raises(HandlerError, match="RW240"):
            APIKey(name, where=where, check=check_key)


class TestSeveral:
    def test_any_of_them(self) -> None:
        client = guarded(BasicAuth(check_user), APIKey("X-API-Key", check=check_key))
        assert client.get("/", headers=basic("ada", "s3cret")).text == "ada"
        assert client.get("/", headers={"X-API-Key": "key-1"}).text == "printer"
        assert client.get("/", headers={**basic("ada", "no"), "X-API-Key": "key-1"}).text == "printer"
        assert client.get("/", headers={**basic("ada", "no"), "X-API-Key": "no"}).status == 401

    def test_all_challenges(self) -> None:
        response = guarded(BasicAuth(check_user), APIKey("X-API-Key", check=check_key)).get("/")
        assert challenge(response) == f'{BASIC}, ApiKey realm="app", in="header", name="X-API-Key"'

    def test_optional(self) -> None:
        client = guarded(BasicAuth(check_user), optional=True)
        assert client.get("/").text == "anonymous"
        assert client.get("/", headers=basic("ada", "s3cret")).text == "ada"
        assert client.get("/", headers=basic("ada", "no")).status == 401

    @pytest.mark.parametrize("schemes", [(), (check_user,), (BasicAuth,)])
    def test_wrong_schemes(self, schemes: Any) -> None:
        with pytest.raises(HandlerError, match="RW240"):
            authenticate(*schemes)

    def test_a_scheme_of_the_program(self) -> None:
        class ByAddress(APIKey):
            async def identify(self, request: Request) -> Identity | None:
                return Identity("local") if request.header("x-local") else None

        assert guarded(ByAddress("x", check=check_key)).get("/", headers={"X-Local": "1"}).text == "local"

    def test_an_error_handler_keeps_the_challenge(self) -> None:
        app = App(middleware=[authenticate(BasicAuth(check_user))])

        @app.error(NotAuthenticated)
        def refuse(request: Request, error: NotAuthenticated) -> dict[str, int]:
            return {"status": error.status}

        response = Client(app).get("/")
        assert (response.status, response.json(), challenge(response)) == (401, {"status": 401}, BASIC)

    def test_a_path_without_a_route_is_not_revealed(self) -> None:
        assert guarded(BasicAuth(check_user)).get("/secret").status == 401


def test_principal_of() -> None:
    app = App(middleware=[authenticate(BasicAuth(check_user), optional=True)])
    app.get("/user")(lambda request: principal_of(request, type(ADA)).name)
    app.get("/machine")(lambda request: principal_of(request, Machine).name)
    client = Client(app)
    assert client.get("/user", headers=basic("ada", "s3cret")).text == "ada"
    assert client.get("/machine", headers=basic("ada", "s3cret")).status == 403
    assert (client.get("/user").status, challenge(client.get("/user"))) == (401, BASIC)


def test_descriptions() -> None:
    assert BasicAuth(check_user).openapi() == {"type": "http", "scheme": "basic"}
    assert APIKey("k", where="query", check=check_key).openapi() == {"type": "apiKey", "in": "query", "name": "k"}


def test_a_scheme_without_a_description() -> None:
    with pytest.raises(
        HandlerError, match=r"RW240 .*Scheme has no method openapi\. Define it, and return a Security Scheme"
    ):
        Scheme("own", "app").openapi()
