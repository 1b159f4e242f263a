"""The todo service from the side of its clients, as the guide shows it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.processes import EXAMPLES, ropewalk

from ropewalk.testing import Client
from todo import app

MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}
ADA = {"name": "ada", "password": "a long password"}


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client of an empty service, as which ada is logged in."""
    monkeypatch.setenv("TODO_DATABASE", str(tmp_path / "todo.sqlite"))
    with Client(app) as client:
        log_in(client, ADA)
        yield client


def log_in(client: Client, credentials: dict[str, str]) -> None:
    assert client.post("/users", json=credentials).status == 201
    client.login(token=client.post("/tokens", json=credentials).json()["access_token"])


def test_a_todo(client: Client) -> None:
    added = client.post("/todos", json={"title": "Buy rope", "due": "2030-01-02"})
    assert added.status == 201
    assert added.json() == {"id": 1, "title": "Buy rope", "due": "2030-01-02", "done": False}
    changed = client.patch("/todos/1", json={"done": True}, headers=MERGE_PATCH)
    assert changed.json() == added.json() | {"done": True}
    assert client.get("/todos/1").json()["done"] is True
    assert client.delete("/todos/1").status == 204
    assert client.get("/todos/1").status == 404


def test_pages(client: Client) -> None:
    for number in range(3):
        client.post("/todos", json={"title": f"Splice {number}"})
    first = client.get("/todos?limit=2&done=false")
    assert [todo["title"] for todo in first.json()["items"]] == ["Splice 0", "Splice 1"]
    address = f"http://localhost/todos?limit=2&done=false&cursor={first.json()['next']}"
    assert first.headers["link"] == f'<{address}>; rel="next"'
    last = client.get(address)
    assert [todo["title"] for todo in last.json()["items"]] == ["Splice 2"]
    assert last.json()["next"] is None


def test_what_a_patch_changes(client: Client) -> None:
    added = client.post("/todos", json={"title": "Buy rope", "due": "2030-01-02"}).json()
    assert client.patch("/todos/1", json={"due": None}, headers=MERGE_PATCH).json() == added | {"due": None}
    refused = client.patch("/todos/1", json={"title": "", "id": 7}, headers=MERGE_PATCH)
    assert {error["pointer"] for error in refused.json()["errors"]} == {"/title", "/id"}
    assert client.patch("/todos/1", json={"done": True}).status == 415


def test_mistakes_are_listed(client: Client) -> None:
    refused = client.post("/todos", json={"titel": "Buy rope", "due": "tomorrow"})
    assert refused.status == 422
    assert {error["pointer"] for error in refused.json()["errors"]} == {"/title", "/titel", "/due"}


def test_names_that_look_alike(client: Client) -> None:
    assert client.post("/users", json=ADA | {"name": "ada\n"}).status == 422


def test_todos_of_others_do_not_exist(client: Client) -> None:
    client.post("/todos", json={"title": "Buy rope"})
    log_in(client, {"name": "grace", "password": "another password"})
    assert client.get("/todos").json()["items"] == []
    assert client.get("/todos/1").json()["detail"] == "You have no todo 1."
    assert client.delete("/todos/1").status == 404
    assert client.get("/todos/x").status == 404


def test_without_a_token(client: Client) -> None:
    client.logout()
    refused = client.post("/todos", json={"titel": "Buy rope"})
    assert (refused.status, refused.headers["www-authenticate"]) == (401, 'Bearer realm="todo"')


def test_a_client_with_an_old_token_logs_in_again(client: Client) -> None:
    client.advance(3600 + 60)
    assert client.get("/me").status == 401
    response = client.post("/tokens", json=ADA)
    assert response.status == 201
    client.login(token=response.json()["access_token"])
    assert client.get("/me").json() == {"name": "ada"}


def test_users(client: Client) -> None:
    assert client.get("/me").json() == {"name": "ada"}
    assert client.post("/users", json=ADA).status == 409
    assert client.post("/tokens", json=ADA | {"password": "a wrong password"}).status == 403


def test_scripts_of_the_site(client: Client) -> None:
    site = {"Origin": "https://app.example.com"}
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"}
    assert client.options("/todos/1", headers=site | asked).status == 204
    response = client.get("/todos", headers=site)
    assert response.headers["access-control-allow-origin"] == "https://app.example.com"
    assert len(response.headers["x-request-id"]) == 32


def test_a_number_that_the_database_cannot_store(client: Client) -> None:
    assert client.get(f"/todos/{2**63}").status == 422


def test_the_document(client: Client) -> None:
    document = client.get("/openapi.json").json()
    assert "security" not in document["paths"]["/tokens"]["post"]
    assert document["paths"]["/me"]["get"]["security"] == [{"bearer": []}]
    assert document["paths"]["/todos"]["get"]["security"] == [{"bearer": []}]
    assert set(document["paths"]["/todos/{id}"]) == {"get", "patch", "delete"}
    page = document["paths"]["/todos"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert page == {"$ref": "#/components/schemas/Page_Todo_"}


@pytest.mark.slow
def test_it_runs(tmp_path: Path) -> None:
    environment = {"TODO_DATABASE": str(tmp_path / "todo.sqlite")}
    with (
        ropewalk("run", EXAMPLES / "todo", environment=environment) as server,
        httpx.Client(base_url=server.url) as client,
    ):
        assert client.post("/users", json=ADA).status_code == 201
        token = client.post("/tokens", json=ADA).json()["access_token"]
        assert client.get("/me", headers={"Authorization": f"Bearer {token}"}).json() == {"name": "ada"}
