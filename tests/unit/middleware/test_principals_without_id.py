"""Idempotency keys and caches, if the principal comes from credentials in a header field that the program chose."""

from typing import Any

import pytest
from tests.unit.auth.test_digest import Browser
from tests.unit.conftest import Log

from ropewalk import App, Request, Response
from ropewalk.auth import APIKey, DigestAuth, DigestUser, Identity, Scheme, authenticate
from ropewalk.auth.challenges import Challenge
from ropewalk.middleware import CacheHeadersOptions, Next, cache_headers, idempotency
from ropewalk.testing import Client


class Named:
    """A principal with neither id nor subject."""

    def __init__(self, name: str) -> None:
        self.name = name


class Numbered:
    """A principal of one kind."""

    def __init__(self, number: str) -> None:
        self.id = number


class OtherNumbered(Numbered):
    """A principal of another kind, which may have the same numbers."""


class InOwnField(Scheme):
    """A scheme that does not declare where its credentials are."""

    def __init__(self) -> None:
        super().__init__("own", "app")

    def challenge(self) -> Challenge:
        return Challenge("Own")

    async def identify(self, request: Request) -> Identity | None:
        given = request.header("x-own")
        return None if given is None else Identity(Named(given))

    def openapi(self) -> dict[str, Any]:
        return {"type": "http", "scheme": "own"}


def client_of(*schemes: Scheme) -> Client:
    app = App(middleware=[authenticate(*schemes), idempotency()])

    @app.route("/", methods=["POST"])
    async def whose(request: Request) -> str:
        return str(request.state.authentication.principal.name)

    return Client(app)


def post(client: Client, field: str, value: str, path: str = "/") -> tuple[int, str]:
    response = client.post(path, headers={field: value, "idempotency-key": "k"})
    return response.status, response.text


def test_a_key_in_a_field_of_its_own_separates_principals() -> None:
    client = client_of(APIKey("X-Token", check=Named))
    assert post(client, "x-token", "ann") == (200, "ann")
    assert post(client, "x-token", "bob") == (200, "bob")
    assert post(client, "x-token", "ann") == (200, "ann")


@pytest.mark.parametrize(("principal", "status"), [(Named("ann"), 500), (Numbered("ann"), 200)])
def test_credentials_that_change_with_each_request_separate_no_one(principal: Any, status: int, log: Log) -> None:
    """Digest credentials differ in each request. If they identified the user, a retry would be executed again."""
    scheme = DigestAuth(lambda name: DigestUser(principal=principal, password="s"))
    app = App(middleware=[authenticate(scheme), idempotency()])
    app.post("/")(lambda request: "added")
    browser = Browser(scheme, "ann", "s")
    browser.client = Client(app, raise_errors=False)
    for _ in range(2):
        headers = {**browser.written(browser.fields("POST")), "idempotency-key": "k"}
        response = browser.client.post("/", headers=headers)
        assert response.status == status
    assert ("RW236" in log.text) == (status == 500)


def test_principals_of_different_kinds_are_separate() -> None:
    schemes = APIKey("X-One", check=Numbered), APIKey("X-Two", check=OtherNumbered)
    app = App(middleware=[authenticate(*schemes), idempotency()])

    @app.route("/", methods=["POST"])
    async def kind(request: Request) -> str:
        return type(request.state.authentication.principal).__name__

    client = Client(app)
    assert post(client, "x-one", "7") == (200, "Numbered")
    assert post(client, "x-two", "7") == (200, "OtherNumbered")


def test_a_key_in_the_query_separates_principals() -> None:
    client = client_of(APIKey("token", check=Named, where="query"))
    assert post(client, "x", "", "/?token=ann") == (200, "ann")
    assert post(client, "x", "", "/?token=bob") == (200, "bob")


def test_nothing_is_processed_for_principals_that_nothing_tells_apart(log: Log) -> None:
    seen = []
    app = App(middleware=[authenticate(InOwnField()), idempotency()])

    @app.route("/", methods=["POST"])
    async def note(request: Request) -> str:
        seen.append(request.state.authentication.principal.name)
        return "done"

    assert post(Client(app, raise_errors=False), "x-own", "ann")[0] == 500
    assert seen == []
    assert "RW236" in log.text


@pytest.mark.parametrize("where", ["header", "cookie"])
def test_what_a_principal_gets_is_never_public(where: Any) -> None:
    scheme = APIKey("X-Token", check=Named, where=where)
    app = App(middleware=[cache_headers(CacheHeadersOptions(max_age=60, visibility="public")), authenticate(scheme)])
    app.route("/")(lambda request: "secret")
    fields = {"x-token": "ann"} if where == "header" else {"cookie": "X-Token=ann"}
    assert Client(app).get("/", headers=fields).headers["cache-control"] == "private, max-age=60"


def test_what_a_user_gets_is_never_public() -> None:
    async def find_user(request: Request, next: Next) -> Response:
        request.state.user = request.cookies.get("session")
        return await next(request)

    app = App(middleware=[cache_headers(CacheHeadersOptions(max_age=60, visibility="public")), find_user])
    app.route("/")(lambda request: "some")
    client = Client(app)
    assert client.get("/").headers["cache-control"] == "public, max-age=60"
    assert client.get("/", headers={"cookie": "session=a"}).headers["cache-control"] == "private, max-age=60"
