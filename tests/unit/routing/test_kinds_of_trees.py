"""The same routes in every kind of tree: as routes, in mounts, in a class, as resources, and below a parameter."""

from collections.abc import Callable
from typing import Any

import pytest

from ropewalk import App, Request, Resource, Routes
from ropewalk.routing import get, post
from ropewalk.testing import Client


def shown(request: Request) -> dict[str, Any]:
    return {"pairs": request.query.pairs(), "route": request.route, "params": request.params}


class TodoRoutes(Routes):
    """The todos as a class. Its root is the path at which it is mounted."""

    @get("")
    def all(self, request: Request) -> dict[str, Any]:
        return shown(request)

    @get("/{id:int}")
    def one(self, request: Request, id: int) -> dict[str, Any]:
        return shown(request)

    @post("/{todo:int}/done")
    def done(self, request: Request, todo: int) -> dict[str, Any]:
        return shown(request)

    @get("/folder/")
    def folder(self, request: Request) -> dict[str, Any]:
        return shown(request)

    @get("/typed/{id:int}")
    def typed(self, request: Request, id: int, tag: list[str]) -> dict[str, Any]:
        return {**shown(request), "typed": [id, tag]}


def add_routes(routes: Routes, prefix: str) -> None:
    """The same as functions."""
    todos = TodoRoutes()
    routes.get(prefix)(todos.all)
    routes.get(f"{prefix}/{{id:int}}")(todos.one)
    routes.post(f"{prefix}/{{todo:int}}/done")(todos.done)
    routes.get(f"{prefix}/folder/")(todos.folder)
    routes.get(f"{prefix}/typed/{{id:int}}")(todos.typed)


def plain(policy: Any) -> App:
    app = App(trailing_slash=policy)
    add_routes(app, "/todos")
    return app


def mounted(policy: Any) -> App:
    todos, app = App(), App(trailing_slash=policy)
    add_routes(todos, "")
    app.mount("/todos", todos)
    return app


def mounted_with_a_slash(policy: Any) -> App:
    todos, app = App(), App(trailing_slash=policy)
    add_routes(todos, "")
    app.mount("/todos/", todos)
    return app


def mounted_deep(policy: Any) -> App:
    todos, between, app = App(), App(), App(trailing_slash=policy)
    add_routes(todos, "")
    between.mount("", todos)
    app.mount("/todos", between)
    return app


def with_its_own_policy(policy: Any) -> App:
    todos, app = App(trailing_slash=policy), App(trailing_slash="strict" if policy != "strict" else "ignore")
    add_routes(todos, "")
    app.mount("/todos", todos)
    return app


def of_a_class(policy: Any) -> App:
    app = App(trailing_slash=policy)
    app.mount("/todos", TodoRoutes())
    return app


def as_a_child(policy: Any) -> App:
    """An app put into a tree of resources."""
    todos, app = App(), App(trailing_slash=policy)
    add_routes(todos, "")
    root = Resource()
    root.putChild("todos", todos)
    app.mount("/", root)
    return app


KINDS = [plain, mounted, mounted_with_a_slash, mounted_deep, with_its_own_policy, of_a_class, as_a_child]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def make(request: Any) -> Callable[[Any], App]:
    kind: Callable[[Any], App] = request.param
    return kind


class TestRoutes:
    @pytest.mark.parametrize(
        ("method", "path", "route", "params"),
        [
            ("GET", "/todos", "/todos", {}),
            ("GET", "/todos/7", "/todos/{id:int}", {"id": 7}),
            ("POST", "/todos/7/done", "/todos/{todo:int}/done", {"todo": 7}),
            ("GET", "/todos/folder/", "/todos/folder/", {}),
        ],
    )
    def test_each(self, make: Any, method: str, path: str, route: str, params: dict[str, Any]) -> None:
        response = Client(make("strict")).request(method, f"{path}?b=2&a=1&b=%20&a=")
        assert response.status == 200
        pairs = [["b", "2"], ["a", "1"], ["b", " "], ["a", ""]]
        assert response.json() == {"pairs": pairs, "route": route, "params": params}

    def test_typed(self, make: Any) -> None:
        found = Client(make(None)).get("/todos/typed/7?tag=b&x=1&tag=a&tag=b").json()
        assert (found["typed"], found["params"]) == ([7, ["b", "a", "b"]], {"id": 7})

    def test_none(self, make: Any) -> None:
        client = Client(make(None))
        assert client.get("/todos/x").status == client.get("/todosx").status == client.get("/").status == 404
        assert client.post("/todos").headers["allow"] == "GET, HEAD, OPTIONS"


class TestSlashes:
    @pytest.mark.parametrize(
        ("path", "other"),
        [
            ("/todos/", "/todos"),
            ("/todos/7/", "/todos/7"),
            ("/todos/folder", "/todos/folder/"),
            ("/todos/typed/7/", "/todos/typed/7"),
        ],
    )
    @pytest.mark.parametrize("policy", ["redirect", "ignore", "strict"])
    def test_each_policy(self, make: Any, policy: Any, path: str, other: str) -> None:
        response = Client(make(policy)).get(f"{path}?tag=b&tag=a")
        assert response.status == {"redirect": 308, "ignore": 200, "strict": 404}[policy]
        if policy == "redirect":
            assert response.headers["location"] == f"{other}?tag=b&tag=a"
        if policy == "ignore":
            assert response.json()["pairs"] == [["tag", "b"], ["tag", "a"]]
            assert response.json()["route"].replace("{id:int}", "7") == other

    def test_a_method_that_the_other_path_lacks(self, make: Any) -> None:
        for policy in ("redirect", "ignore", "strict"):
            assert Client(make(policy)).post("/todos/").status == 404


class TestNamesOfParameters:
    """Two routes may name the same parameter differently."""

    def test_in_one_app(self) -> None:
        app = App()
        app.get("/users/{id}")(lambda request, id: f"id {id}")
        app.get("/users/{user}/posts")(lambda request, user: f"user {user}")
        app.get("/users/{name}/posts/{id}")(lambda request, name, id: f"name {name} id {id}")
        client = Client(app)
        paths = ["/users/7", "/users/7/posts", "/users/7/posts/8"]
        assert [client.get(path).text for path in paths] == ["id 7", "user 7", "name 7 id 8"]

    def test_in_a_mount_below_a_parameter(self) -> None:
        posts, app = App(), App()

        @posts.get("")
        def list_posts(request: Request) -> dict[str, Any]:
            return shown(request)

        @posts.get("/{id}")
        def show_post(id: str, request: Request) -> dict[str, Any]:
            return shown(request)

        app.get("/users/{id}")(lambda request, id: shown(request))
        app.mount("/users/{user}/posts", posts)
        client = Client(app)
        found = {path: client.get(path).json() for path in ("/users/7", "/users/7/posts", "/users/7/posts/8")}
        assert [each["params"] for each in found.values()] == [{"id": "7"}, {"user": "7"}, {"user": "7", "id": "8"}]
        routes = ["/users/{id}", "/users/{user}/posts", "/users/{user}/posts/{id}"]
        assert [each["route"] for each in found.values()] == routes
        assert app.url_for("show_post", user="a b", id="c/d".replace("/", "-")) == "/users/a%20b/posts/c-d"

    def test_methods_of_one_path(self) -> None:
        app = App()
        app.get("/{id}")(lambda request, id: f"get {id}")
        app.put("/{name}")(lambda request, name: f"put {name}")
        client = Client(app)
        assert (client.get("/7").text, client.put("/7").text) == ("get 7", "put 7")
