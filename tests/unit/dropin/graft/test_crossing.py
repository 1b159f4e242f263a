"""Typed handlers, dependencies, patches, paging and background functions in mounts of a grafted app."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import pytest
from tests.unit.dropin.graft.program import Program, Reply

from ropewalk import After, App, Depends, MergePatch, Query, Request
from ropewalk.paging import CursorPages, CursorQuery
from ropewalk.statuses import Created

MERGE_PATCH = "application/merge-patch+json"


class Todo(msgspec.Struct):
    id: int
    title: str


@pytest.fixture
def events() -> list[Any]:
    return []


@pytest.fixture
def app(events: list[Any]) -> App:
    """An app in which todos are mounted below a parameter, at a path without a slash."""

    def session() -> Iterator[str]:
        yield "session"
        events.append("closed")

    todos, app = App(), App()
    pages: CursorPages[int] = CursorPages(int)

    @todos.get("")
    def list_todos(request: Request, query: Annotated[CursorQuery, Query()]) -> list[Todo]:
        begin = pages.position(query).key or 0
        found = [Todo(number, request.url_for("show", user="a b", id=number)) for number in range(begin + 1, 6)]
        return pages.page(request, query, found, key=lambda todo: todo.id).items

    @todos.get("/{id:int}")
    def show(id: int, request: Request) -> str:
        return f"{id} {request.route} {request.query.pairs()}"

    @todos.post("")
    async def add(
        request: Request, todo: Todo, session: Annotated[str, Depends(session)], after: After
    ) -> Created[Todo]:
        after(events.append, session)
        return Created(todo, location=request.url_for("show", user="a b", id=todo.id))

    @todos.patch("/{id:int}")
    def change(id: int, patch: MergePatch[Todo], user: str = "") -> Todo:
        return patch.apply(Todo(id, "old"))

    app.mount("/{user}/todos", todos)
    return app


def json_of(reply: Reply) -> Any:
    return msgspec.json.decode(reply.body)


def test_a_typed_handler_with_a_dependency(program: Program, app: App, events: list[Any]) -> None:
    program.graft(app)
    kind = "Content-Type: application/json"
    reply = program.ask("POST", "/api/ada/todos", kind, body=b'{"id": 3, "title": "rope"}')
    assert (reply.status, json_of(reply)) == (201, {"id": 3, "title": "rope"})
    assert reply.headers["location"] == "/api/a%20b/todos/3"
    program.world.until(lambda: len(events) == 2)
    assert events == ["closed", "session"]
    reply = program.ask("POST", "/api/ada/todos", kind, body=b'{"id": "x"}')
    assert [each["pointer"] for each in json_of(reply)["errors"]] == ["/id", "/title"]


def test_a_failed_handler(program: Program, app: App, events: list[Any]) -> None:
    """The background functions of a failed handler are not called."""

    @app.get("/fail")
    def fail(after: After) -> None:
        after(events.append, "after")
        raise ValueError("x")

    program.graft(app)
    assert program.get("/api/fail").status == 500
    program.world.turn()
    assert (events, app.background.count) == ([], 0)


def test_a_patch(program: Program, app: App) -> None:
    program.graft(app)
    reply = program.ask("PATCH", "/api/ada/todos/7", f"Content-Type: {MERGE_PATCH}", body=b'{"title": "new"}')
    assert json_of(reply) == {"id": 7, "title": "new"}
    assert program.ask("PATCH", "/api/ada/todos/7", body=b"{}").headers["accept-patch"] == MERGE_PATCH
    assert program.ask("OPTIONS", "/api/ada/todos/7").headers["accept-patch"] == MERGE_PATCH


def test_pages(program: Program, app: App) -> None:
    program.graft(app)
    reply = program.get("/api/ada/todos?b=2&limit=2&a=1&b=3")
    assert [todo["title"] for todo in json_of(reply)] == ["/api/a%20b/todos/1", "/api/a%20b/todos/2"]
    link = reply.headers["link"].partition(">")[0].removeprefix("<http://a")
    assert link.startswith("/api/ada/todos?b=2&limit=2&a=1&b=3&cursor=")
    assert [todo["id"] for todo in json_of(program.get(link))] == [3, 4]


def test_slashes_and_queries(program: Program, app: App) -> None:
    program.graft(app)
    assert program.get("/api/ada/todos/7?b=2&a=&b=1").text == (
        "7 /api/{user}/todos/{id:int} [('b', '2'), ('a', ''), ('b', '1')]"
    )
    for path, other in (("/api/ada/todos/", "/api/ada/todos"), ("/api/ada/todos/7/", "/api/ada/todos/7")):
        reply = program.get(f"{path}?b=2&a=1&b=1")
        assert (reply.status, reply.headers["location"]) == (308, f"{other}?b=2&a=1&b=1")


def test_an_app_whose_root_is_where_it_is_grafted(program: Program) -> None:
    app = App()
    app.get("")(lambda request: "root")
    program.graft(app, at="todos")
    assert program.get("/todos").text == "root"
    reply = program.get("/todos/")
    assert (reply.status, reply.headers["location"]) == (308, "/todos")
