"""Security requirements, from what `ropewalk.auth` checks."""

from typing import Annotated, Any

import pytest
from tests.unit.openapi.described import OPTIONS, described, operation
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse

from ropewalk import App, Depends, OpenAPI, Request
from ropewalk.auth import (
    APIKey,
    BasicAuth,
    BearerJWT,
    BearerJWTOptions,
    CredAuth,
    NotAuthenticated,
    Principal,
    authenticate,
    requires,
)
from ropewalk.errors import HandlerError
from ropewalk.openapi import document_of
from ropewalk.testing import Client

TOKENS = BearerJWTOptions(keys="a secret of at least 32 characters", issuer=None, audience=None)
CHECKER = InMemoryUsernamePasswordDatabaseDontUse(ada=b"secret")


def check(*given: str) -> str:
    return "ada"


KEY = APIKey("X-Key", check=check, name="key")
BASIC = BasicAuth(check, name="password")


def handler() -> str:
    return ""


def app_with(*middleware: Any) -> App:
    """An app with one handler, at `/a`."""
    app = App(middleware=middleware)
    app.get("/a")(handler)
    return app


def test_every_operation_needs_one_of_the_schemes() -> None:
    app = app_with(authenticate(KEY, BASIC))
    found = operation(app, "/a")
    assert found["security"] == [{"key": []}, {"password": []}]
    assert list(found["responses"]) == ["200", "400", "401"]
    assert described(app)["components"]["securitySchemes"] == {
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "password": {"type": "http", "scheme": "basic"},
    }


def test_optional_authentication_is_no_requirement() -> None:
    app = app_with(authenticate(KEY, optional=True))
    assert "security" not in operation(app, "/a")
    assert "401" in operation(app, "/a")["responses"]  # for a wrong key
    assert "securitySchemes" not in described(app)["components"]


def test_without_authentication() -> None:
    assert "security" not in operation(app_with(), "/a")


def test_a_function_that_requires_scopes() -> None:
    app = App(middleware=[authenticate(KEY, optional=True)])

    @app.get("/a")
    @requires("rooms:read")
    @requires("rooms:write", role="clerk")
    def rooms() -> str:
        return ""

    found = operation(app, "/a")
    assert sorted(found["security"][0]["key"]) == ["rooms:read", "rooms:write"]
    assert list(found["responses"]) == ["200", "400", "401", "403"]
    schema = found["responses"]["401"]["content"]["application/problem+json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Problem"}


def test_any_principal_is_enough_without_scopes_and_roles() -> None:
    app = App(middleware=[authenticate(KEY, optional=True)])

    @app.get("/a")
    @requires()
    def anyone() -> str:
        return ""

    assert list(operation(app, "/a")["responses"]) == ["200", "400", "401"]


def test_requirements_around_a_mounted_app_and_a_route() -> None:
    app, inner = App(middleware=[authenticate(KEY, optional=True)]), App(middleware=[requires(role="clerk")])
    inner.get("/b")(handler)
    app.mount("/inner", inner)

    @app.get("/a", middleware=[requires("x")])
    def a() -> str:
        return ""

    assert operation(app, "/inner/b")["security"] == [{"key": []}]
    assert "403" in operation(app, "/inner/b")["responses"]
    assert operation(app, "/a")["security"] == [{"key": ["x"]}]


def test_the_innermost_schemes_count() -> None:
    app, inner = App(middleware=[authenticate(KEY)]), App(middleware=[authenticate(BASIC, optional=True)])
    inner.get("/b")(handler)
    app.mount("/inner", inner)
    assert operation(app, "/inner/b")["security"] == [{"password": []}]


def test_a_parameter_for_the_principal() -> None:
    app = App(middleware=[authenticate(KEY, optional=True)])

    @app.get("/a")
    def needs(user: Annotated[str, Principal()]) -> str:
        return user

    @app.get("/b")
    def may_have(user: Annotated[str | None, Principal()]) -> str:
        return user or ""

    assert operation(app, "/a")["security"] == [{"key": []}]
    assert "security" not in operation(app, "/b")
    assert Client(app).get("/a").status == 401
    assert Client(app).get("/b").status == 200


def test_a_provider_by_name_that_needs_the_principal() -> None:
    def user_name(user: Annotated[str, Principal()]) -> str:
        return user

    app = App(middleware=[authenticate(KEY, optional=True)])
    app.provide("name", user_name)

    @app.get("/a")
    def show(name: Annotated[str, Depends()]) -> str:
        return name

    assert operation(app, "/a")["security"] == [{"key": []}]
    assert Client(app).get("/a").status == 401


def test_an_error_handler_decides_what_is_sent() -> None:
    app = app_with(authenticate(KEY))

    @app.error(NotAuthenticated)
    def refuse(request: Request, error: NotAuthenticated) -> str:
        return "no"

    assert operation(app, "/a")["responses"]["401"] == {"description": "Unauthorized"}


def test_what_the_program_describes_by_itself_is_kept() -> None:
    given = {"token": {"type": "http", "scheme": "bearer"}}
    options = OpenAPI("Hotel", "1.0", ui=None, security_schemes=given, security=[{"token": []}])
    document = described(app_with(authenticate(KEY)), options)
    assert document["components"]["securitySchemes"] == given
    assert document["security"] == [{"token": []}]
    found = document["paths"]["/a"]["get"]
    assert "security" not in found
    assert list(found["responses"]) == ["200", "401"]


def test_a_route_may_describe_its_own() -> None:
    app = App(middleware=[authenticate(KEY)])
    app.get("/a", operation={"security": []})(handler)
    assert operation(app, "/a")["security"] == []


@pytest.mark.parametrize(("requirements", "needed"), [([], False), ([{}], False), ([{"token": []}], True)])
def test_a_route_of_a_program_that_describes_its_security(requirements: list[Any], needed: bool) -> None:
    app = App()
    app.get("/a", operation={"security": requirements})(handler)
    given = {"token": {"type": "http", "scheme": "bearer"}}
    options = OpenAPI("Hotel", "1.0", ui=None, security_schemes=given, security=[{"token": []}])
    assert ("401" in described(app, options)["paths"]["/a"]["get"]["responses"]) is needed


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        (APIKey("X-Key", check=check, name="s"), {"type": "apiKey", "in": "header", "name": "X-Key"}),
        (APIKey("key", check=check, where="query", name="s"), {"type": "apiKey", "in": "query", "name": "key"}),
        (APIKey("key", check=check, where="cookie", name="s"), {"type": "apiKey", "in": "cookie", "name": "key"}),
        (BasicAuth(check, name="s"), {"type": "http", "scheme": "basic"}),
        (CredAuth(CHECKER, name="s"), {"type": "http", "scheme": "basic"}),
        (
            CredAuth(CHECKER, name="s", description={"type": "http", "scheme": "digest"}),
            {"type": "http", "scheme": "digest"},
        ),
        (BearerJWT(TOKENS, name="s"), {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}),
    ],
)
def test_every_kind_of_scheme_with_scopes(scheme: Any, expected: dict[str, Any]) -> None:
    app = App(middleware=[authenticate(scheme)])
    app.get("/a", middleware=[requires("rooms:read")])(handler)
    app.get("/b", middleware=[requires("rooms:write", role="clerk")])(handler)
    document = described(app)
    assert document["components"]["securitySchemes"] == {"s": expected}
    scopes = [item["get"]["security"][0]["s"] for item in document["paths"].values()]
    assert scopes == [["rooms:read"], ["rooms:write"]]


def test_malformed_credentials() -> None:
    app = app_with(authenticate(BasicAuth(check), optional=True))
    sent = Client(app).get("/a", headers=[("authorization", "Basic YTpi"), ("authorization", "Basic YTpi")])
    assert sent.status == 400
    assert "400" in operation(app, "/a")["responses"]


def test_two_schemes_of_one_name() -> None:
    app, inner = app_with(authenticate(KEY)), App(middleware=[authenticate(APIKey("X-Other", check=check, name="key"))])
    inner.get("/b")(handler)
    app.mount("/inner", inner)
    with pytest.raises(HandlerError, match="RW219 Two different schemes of ropewalk.auth have the name 'key'."):
        document_of(app.resource, OPTIONS)
