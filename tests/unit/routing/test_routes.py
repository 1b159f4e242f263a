"""Decorators, mounts, and names of parameters that differ from route to route."""

import re
from typing import Any

import pytest
from tests.unit.routing.handlers import responding

from ropewalk import App, Files, Request, Resource
from ropewalk.errors import TreeError
from ropewalk.testing import Client


class TestMethods:
    @pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete", "options"])
    def test_a_decorator_for_each(self, method: str) -> None:
        app = App()
        getattr(app, method)("/")(responding("yes"))
        assert Client(app).request(method.upper(), "/").status == 200

    def test_several_at_once(self) -> None:
        app = App()
        app.route("/", methods=["get", "POST"])(responding("yes"))
        client = Client(app)
        assert client.get("/").text == client.post("/").text == "yes"

    def test_the_function_is_left_as_it_is(self) -> None:
        handler = responding("yes")
        assert App().get("/")(handler) is handler

    def test_get_responds_to_head(self) -> None:
        app = App()
        app.get("/")(responding("yes"))
        response = Client(app).head("/")
        assert (response.status, response.body, response.headers["content-length"]) == (200, b"", "3")

    def test_head_may_have_a_handler_of_its_own(self) -> None:
        app = App()
        app.get("/")(responding("yes"))
        app.head("/")(responding("longer"))
        assert Client(app).head("/").headers["content-length"] == "6"

    def test_options_and_405_name_what_is_allowed(self) -> None:
        """Responses to OPTIONS, and a 405, name the methods of all routes that match the path (RFC 9110, sections 9.3.7
        and 15.5.6)."""
        app = App()
        app.get("/{id:int}")(lambda request, id: "")
        app.delete("/{name}")(lambda request, name: "")
        client = Client(app)
        options = client.options("/7")
        assert (options.status, options.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS")
        refused = client.put("/7")
        assert (refused.status, refused.headers["allow"]) == (405, "DELETE, GET, HEAD, OPTIONS")
        assert client.options("/nowhere/at/all").status == 404

    def test_options_of_the_server(self) -> None:
        assert Client(App()).options("*").status == 204


class TestNames:
    """Each route names its parameters itself."""

    def test_of_routes(self) -> None:
        app = App()
        app.get("/users/{id}", name="user")(lambda request, id: f"user {id}")
        app.get("/users/{user_id}/posts/{id:int}", name="post")(lambda request, user_id, id: f"post {id} of {user_id}")
        app.delete("/users/{name}")(lambda request: ",".join(request.params))
        app.get("/users/{who}/")(lambda request, **params: str(params))
        client = Client(app)
        assert client.get("/users/ada").text == "user ada"
        assert client.get("/users/ada/posts/7").text == "post 7 of ada"
        assert client.delete("/users/ada").text == "name"
        assert client.get("/users/ada/").text == "{'who': 'ada'}"
        assert app.url_for("user", id="x") == "/users/x"
        assert app.url_for("post", user_id="x", id=7) == "/users/x/posts/7"
        paths = ["/users/{id}", "/users/{name}", "/users/{user_id}/posts/{id:int}", "/users/{who}/"]
        assert [route.path for route in app.routes()] == paths

    def test_of_routes_and_mounts(self) -> None:
        inner, app = App(), App()
        inner.get("/{id}", name="inner")(lambda request, id: f"{id} of {request.params['tenant']}")
        inner.get("/{id}/both")(lambda request, id, tenant="nobody": f"{id} of {tenant}")
        inner.get("/{name}/all")(lambda request, **params: ",".join(sorted(params)))
        app.mount("/t/{tenant}/in", inner)
        app.mount("/plain", inner, name="plain")
        app.get("/t/{id}")(lambda request, id: f"tenant {id}")
        client = Client(app)
        assert client.get("/t/acme").text == "tenant acme"
        assert client.get("/t/acme/in/7").text == "7 of acme"
        assert client.get("/plain/7/both").text == "7 of nobody"
        assert client.get("/t/acme/in/7/both").text == "7 of acme"
        assert client.get("/plain/7/both").text == "7 of nobody"
        assert client.get("/t/acme/in/7/all").text == "name,tenant"
        assert app.url_for("inner", tenant="acme", id=7) == "/t/acme/in/7"
        assert "/t/{tenant}/in/{name}/all" in [route.path for route in app.routes()]
        with pytest.raises(TreeError, match=r"RW103 \{name\} of /x/\{name\}"):
            App().mount("/x/{name}", inner)

    @pytest.mark.parametrize("middleware", [False, True])
    def test_a_handler_is_not_given_what_it_does_not_take(self, middleware: bool) -> None:
        async def pass_on(request: Request, next: Any) -> Any:
            return await next(request)

        inner, app = App(middleware=[pass_on] if middleware else []), App()

        async def handler(request: Request, id: int) -> str:
            return f"{id} of {request.params['tenant']}"

        inner.get("/{id:int}")(handler)
        app.mount("/{tenant}", inner)
        app.mount("/", inner)
        client = Client(app)
        for _ in range(2):
            assert client.get("/acme/7").text == "7 of acme"

    def test_the_nearest_way_that_fails_leaves_nothing(self) -> None:
        app = App()
        app.get("/{first:int}/a")(lambda request, first: f"first {first}")
        app.get("/{second}/{third}")(lambda request, second, third: f"second {second} {third}")
        client = Client(app)
        assert client.get("/7/a").text == "first 7"
        assert client.get("/7/b").text == "second 7 b"

    def test_the_more_specific_converter_comes_first(self) -> None:
        app = App()
        app.get("/users/{name}")(lambda request, name: f"name {name}")
        app.get("/users/{rest:path}")(lambda request, rest: f"rest {rest}")
        app.get("/users/{id:int}")(lambda request, id: f"id {id}")
        app.get("/users/me")(lambda request: "me")
        client = Client(app)
        texts = [client.get(f"/users/{segment}").text for segment in ("7", "ada", "me", "a/b")]
        assert texts == ["id 7", "name ada", "me", "rest a/b"]


class TestMount:
    def test_an_app(self) -> None:
        inner = App()
        inner.get("/")(responding("index"))
        inner.get("/a/{id:int}")(lambda request, id: f"a {id}")
        app = App()
        app.get("/")(responding("outer"))
        app.mount("/inner", inner)
        client = Client(app)
        assert client.get("/").text == "outer"
        assert client.get("/inner/").text == "index"
        assert client.get("/inner/a/7").text == "a 7"

    def test_own_routes_come_first(self) -> None:
        inner = App()
        inner.get("/a")(responding("inner a"))
        inner.get("/b")(responding("inner b"))
        app = App()
        app.mount("/", inner)
        app.get("/a")(responding("outer a"))
        client = Client(app)
        assert client.get("/a").text == "outer a"
        assert client.get("/b").text == "inner b"

    def test_below_a_parameter(self) -> None:
        inner = App()
        inner.get("/size")(lambda request: request.params["tenant"])
        app = App()
        app.mount("/{tenant}", inner)
        assert Client(app).get("/acme/size").text == "acme"

    def test_a_route_that_is_added_later_is_seen(self) -> None:
        inner, app = App(), App()
        app.mount("/inner", inner)
        client = Client(app)
        assert client.get("/inner/a").status == 404
        inner.get("/a")(responding("late"))
        assert client.get("/inner/a").text == "late"

    @pytest.mark.parametrize("at", ["/todos", "/todos/", "/of/{who}/todos"])
    def test_the_place_itself(self, at: str) -> None:
        inner, app = App(), App()
        inner.get("", name="todos")(responding("todos"))
        inner.post("")(responding("more"))
        inner.get("/{id:int}")(lambda request, id: f"todo {id}")
        app.mount(at, inner)
        client = Client(app)
        path = at.rstrip("/").replace("{who}", "ada")
        assert client.get(path).text == "todos"
        assert client.post(path).text == "more"
        assert client.get(f"{path}/7").text == "todo 7"
        assert client.get(f"{path}/").headers["location"] == path
        assert client.put(path).headers["allow"] == "GET, HEAD, OPTIONS, POST"
        assert app.url_for("todos", **({"who": "ada"} if "who" in at else {})) == path
        assert [route.path for route in app.routes()][:2] == [at.rstrip("/")] * 2

    def test_the_place_itself_with_a_slash_and_without(self) -> None:
        inner, app = App(), App()
        inner.get("")(responding("without"))
        inner.get("/")(responding("with"))
        app.mount("/todos", inner)
        client = Client(app)
        assert [client.get(path).text for path in ("/todos", "/todos/")] == ["without", "with"]

    @pytest.mark.parametrize("mounted", [False, True])
    def test_the_place_of_the_app_that_is_served(self, mounted: bool) -> None:
        inner = App()
        inner.get("", name="root")(responding("root"))
        app = inner
        if mounted:
            app = App()
            app.mount("/", inner)
        assert Client(app).get("/").text == "root"
        assert app.url_for("root") == "/"
        assert [route.path for route in app.routes()] == ["/"]

    def test_twice_at_one_place(self) -> None:
        app = App()
        app.mount("/a", App())
        with pytest.raises(TreeError, match="RW104 /a/ is registered twice"):
            app.mount("/a/", App())


class TestMountedTwice:
    @pytest.mark.parametrize(("first", "second"), [(App, App), (App, Resource), (lambda: Files("."), App)])
    def test_both_are_named_with_their_places(self, first: Any, second: Any) -> None:
        app, one, other = App(), first(), second()
        app.mount("/m", one)
        with pytest.raises(TreeError) as caught:
            app.mount("/m/", other)
        here = r"\(mounted at tests/unit/routing/test_routes\.py:(\d+)\)"
        notified = rf"/m/ is registered twice, by {type(one).__name__} {here} and {type(other).__name__} {here}\."
        found = re.fullmatch(notified, caught.value.message)
        assert found is not None, caught.value.message
        assert int(found[2]) == int(found[1]) + 2
