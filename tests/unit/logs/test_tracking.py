"""The fields of a request in log lines."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from twisted.logger import LogEvent, Logger, globalLogPublisher

from ropewalk import App, Response
from ropewalk.auth import APIKey, authenticate
from ropewalk.logs import current_request, request_fields, track_requests
from ropewalk.logs.tracking import name_of_principal
from ropewalk.middleware import request_id
from ropewalk.testing import Client

log = Logger(namespace="test")


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """The fields of each line that is logged, while requests are tracked."""
    monkeypatch.setattr("ropewalk.logs.tracking._tracking", [])
    track_requests()
    lines: list[dict[str, Any]] = []

    def observe(event: LogEvent) -> None:
        if event.get("log_namespace") == "test":
            lines.append(request_fields())

    globalLogPublisher.addObserver(observe)  # type: ignore[arg-type] # a function is an observer
    yield lines
    globalLogPublisher.removeObserver(observe)  # type: ignore[arg-type] # the same


def test_every_line_of_a_handler(lines: list[dict[str, Any]]) -> None:
    app = App(middleware=[request_id()])

    @app.get("/rooms/{id}")
    async def room(request: Any, id: int) -> str:
        log.info("before")
        request.log(room=id, api_key="x")
        log.info("after")
        return "ok"

    response = Client(app).get("/rooms/5%20a")
    assert response.status == 404
    response = Client(app).get("/rooms/5?token=1")
    before, after = lines
    assert before.pop("duration") >= 0
    assert before == {
        "request_id": response.headers["x-request-id"],
        "method": "GET",
        "path": "/rooms/5",
        "route": "/rooms/{id}",
    }
    assert (after["room"], after["api_key"]) == (5, "[redacted]")


def test_lines_of_a_whole_body_handler_and_of_a_failure(lines: list[dict[str, Any]]) -> None:
    app = App()

    @app.post("/notes")
    def note(request: Any) -> str:
        log.info("called")
        raise LookupError

    @app.error(LookupError)
    def failed(request: Any, error: LookupError) -> Response:
        log.info("failed")
        return Response("no", status=409)

    Client(app).post("/notes", body=b"x")
    assert [line["path"] for line in lines] == ["/notes", "/notes"]


def test_the_user(lines: list[dict[str, Any]]) -> None:
    key = APIKey("x-api-key", check=lambda given: SimpleNamespace(name="ada"))
    app = App(middleware=[authenticate(key)])

    @app.get("/")
    def root(request: Any) -> str:
        log.info("x")
        return "ok"

    assert Client(app).get("/", headers={"x-api-key": "k"}).status == 200
    assert lines[0]["user"] == "ada"


def test_outside_a_request(lines: list[dict[str, Any]]) -> None:
    assert current_request() is None
    log.info("x")
    assert lines == [{}]


def test_requests_are_not_tracked_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ropewalk.logs.tracking._tracking", [])
    app = App()
    app.get("/")(lambda request: str(current_request()))
    assert Client(app).get("/").text == "None"


@dataclass
class User:
    id: Any


class Lazy:
    @property
    def id(self) -> int:
        raise RuntimeError

    username = "ada"


@pytest.mark.parametrize(
    ("principal", "name"),
    [
        ("ada", "ada"),
        (7, 7),
        (UUID(int=1), str(UUID(int=1))),
        ({"sub": "ada", "name": "x"}, "ada"),
        (User(UUID(int=2)), str(UUID(int=2))),
        (User(None), None),
        (Lazy(), "ada"),
        (None, None),
        (object(), None),
    ],
)
def test_names_of_principals(principal: object, name: object) -> None:
    assert name_of_principal(principal) == name
