"""The CSRF token in every place and with every kind of session, with what browsers say about the sender."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.sessions.apps import OWN
from tests.unit.sessions.conftest import KINDS, options_of

from ropewalk import App, Request
from ropewalk.sessions import csrf_token, login, sessions
from ropewalk.testing import Client, ClientResponse

ORIGIN = "https://hotel.example"


@pytest.fixture(params=KINDS)
def client(request: pytest.FixtureRequest) -> Client:
    """A browser with a session of each kind, whose user has logged in."""
    app = App(middleware=[sessions(options_of(request.param, request))])
    app.get("/token")(csrf_token)

    @app.post("/login")
    def log_in(request: Request) -> str:
        login(request, "ada")
        return "in"

    @app.post("/")
    async def change(request: Request) -> str:
        return str(request.session.user)

    client = Client(app, base_url=ORIGIN)
    client.post("/login", headers=OWN)
    return client


def nowhere(client: Client, token: str, headers: dict[str, str]) -> ClientResponse:
    return client.post("/", headers=headers)


def in_the_header(client: Client, token: str, headers: dict[str, str]) -> ClientResponse:
    return client.post("/", headers={**headers, "x-csrf-token": token})


def in_a_form(client: Client, token: str, headers: dict[str, str]) -> ClientResponse:
    return client.post("/", headers=headers, data={"a": "1", "csrf_token": token})


def in_a_form_with_files(client: Client, token: str, headers: dict[str, str]) -> ClientResponse:
    return client.post("/", headers=headers, data={"csrf_token": token}, files={"up": ("a", b"z" * 300_000)})


def in_the_query(client: Client, token: str, headers: dict[str, str]) -> ClientResponse:
    return client.post(f"/?csrf_token={token}", headers=headers)


def in_json(client: Client, token: str, headers: dict[str, str]) -> ClientResponse:
    return client.post("/", headers=headers, json={"csrf_token": token})


def in_a_cookie(client: Client, token: str, headers: dict[str, str]) -> ClientResponse:
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    return client.post("/", headers={**headers, "cookie": f"{cookies}; csrf_token={token}"})


RIGHT = [in_the_header, in_a_form, in_a_form_with_files]
WRONG = [nowhere, in_the_query, in_json, in_a_cookie]
"""Places in which the token does not count: Ropewalk does not look there, or another site can write there."""

OWN_PAGE: list[dict[str, str]] = [{"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}, {"origin": ORIGIN}]
OTHER_PAGE: list[dict[str, str]] = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site", "origin": "null"},
    {"origin": "https://evil.example"},
    {"origin": "https://evil.hotel.example"},
]
UNDECIDED: list[dict[str, str]] = [{}, {"origin": "null"}]

Send = Callable[[Client, str, dict[str, str]], ClientResponse]


@pytest.mark.parametrize("send", [*RIGHT, *WRONG], ids=lambda each: each.__name__)
def test_every_place(send: Send, client: Client, log: Log) -> None:
    for headers, expected in (
        *((each, 200) for each in OWN_PAGE),
        *((each, 403) for each in OTHER_PAGE),  # another site is refused even with the right token
        *((each, 200 if send in RIGHT else 403) for each in UNDECIDED),
    ):
        response = send(client, client.get("/token").text, headers)
        assert response.status == expected, (headers, response.text)
        assert (response.text == "ada") == (expected == 200)
    assert log == []


@pytest.mark.parametrize("send", RIGHT, ids=lambda each: each.__name__)
@pytest.mark.parametrize("token", ["", "x", "A" * 86, "A" * 10_000])
def test_wrong_tokens(token: str, send: Send, client: Client, log: Log) -> None:
    client.get("/token")
    assert send(client, token, {}).status == 403
    assert log == []


@pytest.mark.parametrize("send", RIGHT, ids=lambda each: each.__name__)
def test_the_token_of_another_session(send: Send, client: Client) -> None:
    other = Client(client.app, base_url=ORIGIN)
    other.post("/login", headers=OWN)
    assert send(client, other.get("/token").text, {}).status == 403


def test_a_session_of_another_site_is_not_made_by_a_login(client: Client) -> None:
    """A form of another site must not log a browser in as another user."""
    stranger: Any = Client(client.app, base_url=ORIGIN)
    for headers in OTHER_PAGE:
        response = stranger.post("/login", headers=headers, data={"a": "1"})
        assert (response.status, response.headers.get("set-cookie")) == (403, None)
