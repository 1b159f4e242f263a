"""Bearer tokens, described with the flow by which clients get them."""

from typing import Any

import pytest
from openapi_spec_validator import validate
from tests.unit.auth.conftest import check_user
from tests.unit.auth.tokens import AUDIENCE, ISSUER, NOW, SECRET, bearer, secret_key, token

from ropewalk import App, OpenAPI
from ropewalk.auth import AuthorizationCode, BasicAuth, BearerJWT, BearerJWTOptions, OAuth2, authenticate, requires
from ropewalk.errors import HandlerError
from ropewalk.testing import Client

DISCOVERY = "https://login.example/.well-known/openid-configuration"
FLOW = AuthorizationCode(
    authorization_url="https://login.example/authorize",
    token_url="https://login.example/token",
    scopes={"rooms:read": "See rooms.", "rooms:write": "Change rooms."},
)


def jwt() -> BearerJWT:
    return BearerJWT(BearerJWTOptions(keys=SECRET, issuer=ISSUER, audience=AUDIENCE), clock=lambda: NOW)


def client_for(flow: Any) -> Client:
    app = App(middleware=[authenticate(OAuth2(jwt(), flow), optional=True)], openapi=OpenAPI("Hotel", "1"))

    @app.get("/rooms")
    @requires("rooms:read")
    def rooms() -> str:
        return "rooms"

    app.post("/rooms")(requires("rooms:write")(lambda request: "added"))
    return Client(app)


@pytest.mark.parametrize("flow", [FLOW, DISCOVERY])
def test_tokens_are_checked_as_without_it(flow: Any) -> None:
    client = client_for(flow)
    headers = bearer(token(secret_key(), "HS256"))
    assert client.get("/rooms", headers=headers).text == "rooms"
    refused = client.post("/rooms", headers=headers)
    assert refused.status == 403
    assert refused.headers["www-authenticate"] == 'Bearer realm="app", error="insufficient_scope", scope="rooms:write"'
    assert client.get("/rooms").headers["www-authenticate"] == 'Bearer realm="app"'
    assert client.get("/rooms", headers=bearer("x")).status == 401


def test_the_description_of_a_flow() -> None:
    document = client_for(FLOW).get("/openapi.json").json()
    validate(document)
    assert document["components"]["securitySchemes"] == {
        "oauth2": {
            "type": "oauth2",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": "https://login.example/authorize",
                    "tokenUrl": "https://login.example/token",
                    "scopes": {"rooms:read": "See rooms.", "rooms:write": "Change rooms."},
                }
            },
        }
    }
    assert document["paths"]["/rooms"]["get"]["security"] == [{"oauth2": ["rooms:read"]}]
    assert document["paths"]["/rooms"]["post"]["security"] == [{"oauth2": ["rooms:write"]}]


def test_the_description_of_a_provider() -> None:
    document = client_for(DISCOVERY).get("/openapi.json").json()
    validate(document)
    schemes = document["components"]["securitySchemes"]
    assert schemes == {"oauth2": {"type": "openIdConnect", "openIdConnectUrl": DISCOVERY}}


def test_a_url_for_new_tokens() -> None:
    flow = AuthorizationCode(authorization_url="https://h/a", token_url="https://h/t", refresh_url="https://h/r")
    assert OAuth2(jwt(), flow).openapi()["flows"]["authorizationCode"]["refreshUrl"] == "https://h/r"


@pytest.mark.parametrize("arguments", [(3, FLOW), (BasicAuth(check_user), FLOW), (jwt(), "login"), (jwt(), None)])
def test_wrong_arguments(arguments: Any) -> None:
    with pytest.raises(HandlerError, match="RW240"):
        OAuth2(*arguments)


@pytest.mark.parametrize("wrong", [{"token_url": "http://h/"}, {"authorization_url": None}, {"refresh_url": "x"}])
def test_wrong_urls(wrong: Any) -> None:
    with pytest.raises(HandlerError, match="RW240"):
        AuthorizationCode(**{"authorization_url": "https://h/a", "token_url": "https://h/t", **wrong})
