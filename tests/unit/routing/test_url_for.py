"""Paths by the names of routes."""

import pytest
from tests.unit.routing.handlers import responding

from ropewalk import App, Request, Response, Routes
from ropewalk.errors import TreeError
from ropewalk.middleware import Next
from ropewalk.routing import delete, get, post
from ropewalk.testing import Client


async def passing(request: Request, next: Next) -> Response:
    return await next(request)


class TestUrlFor:
    def test_by_the_name_of_the_function(self) -> None:
        app = App()

        @app.get("/users/{id:int}/files/{name:path}")
        def user_file(request: Request, id: int, name: str) -> str:
            return request.url_for("user_file", id=id + 1, name="x y/z")

        assert app.url_for("user_file", id=7, name="a/b c?") == "/users/7/files/a/b%20c%3F"
        assert Client(app).get("/users/7/files/a").text == "/users/8/files/x%20y/z"

    def test_what_it_makes_leads_back(self) -> None:
        app = App()
        app.get("/{name}", name="echo")(lambda request, name: name)
        app.get("/rest/{name:path}", name="rest")(lambda request, name: name)
        client = Client(app)
        value = "a+b ?#%é;&"
        assert client.get(app.url_for("echo", name=value)).text == value
        assert client.get(app.url_for("rest", name=f"a/{value}")).text == f"a/{value}"

    def test_a_slash_for_a_parameter_of_one_segment(self) -> None:
        """A value with a slash is refused for a parameter of one segment, because the route would not match the
        path."""
        app = App()
        app.get("/{name}", name="echo")(lambda request, name: name)
        with pytest.raises(
            TreeError, match=r"RW108 .*: name is 'a/b', which has a slash, and only \{name:path\} takes"
        ):
            app.url_for("echo", name="a/b")

    def test_in_mounted_apps(self) -> None:
        inner = App()
        inner.get("/", name="index")(responding(""))
        inner.get("/only", name="only")(responding(""))
        app = App()
        app.mount("/named/{tenant}", inner, name="admin")
        app.mount("/plain", inner)
        assert app.url_for("admin.index", tenant="x") == "/named/x/"
        assert app.url_for("only") == "/plain/only"

    def test_in_a_handler_of_what_is_mounted(self) -> None:
        """In a class that is mounted twice, a handler links to the routes of its own class, in the mount of its
        request."""

        class Rooms(Routes):
            @get("/{room}")
            def show(self, room: int) -> str:
                return ""

            @post("", middleware=[passing])
            def add(self, request: Request) -> str:
                outer = f"{request.url_for('home')} {request.url_for('city.show', room=2)}"
                return f"{request.url_for('show', room=1)} {outer}"

            @delete("/{room}")
            def drop(self, request: Request, room: int) -> str:
                return request.url_for("nothing")

        shop = App()
        shop.mount("/rooms", Rooms())
        shop.get("/same", name="same")(lambda request, **params: request.url_for("same"))
        shop.get("/other", name="same")(responding(""))
        app = App()
        app.get("/", name="home")(lambda request: request.url_for("city.show", room=3))
        app.mount("/sea", Rooms(), middleware=[passing])
        app.mount("/city", Rooms(), name="city")
        app.mount("/shops/{shop}", shop, name="shop")
        client = Client(app)
        assert client.get("/").text == "/city/3"
        assert client.post("/sea").text == "/sea/1 / /city/2"
        assert client.post("/city").text == "/city/1 / /city/2"
        assert client.post("/shops/7/rooms").text == "/shops/7/rooms/1 / /city/2"
        for path, message in (("/sea/1", "no route has this name"), ("/shops/7/same", "several routes have")):
            with pytest.raises(TreeError, match=f"RW107 .*{message}"):
                client.request("DELETE" if "sea" in path else "GET", path)

    def test_one_object_that_is_mounted_twice(self) -> None:
        inner = App()
        inner.get("/{id}", name="show")(lambda request, **params: request.url_for("show", id="x"))
        app = App()
        app.mount("/a", inner)
        app.mount("/b/{tenant}", inner, name="b")
        client = Client(app)
        assert client.get("/a/1").text == "/a/x"
        assert client.get("/b/7/1").text == "/b/7/x"

    def test_names_that_are_not_there_or_not_alone(self) -> None:
        app = App()
        app.get("/a", name="same")(responding(""))
        app.get("/b", name="same")(responding(""))
        with pytest.raises(TreeError, match=r"RW107 .*no route has this name\. Give each route its own name"):
            app.url_for("other")
        with pytest.raises(TreeError, match=r"RW107 .*no route has this name\. Did you mean same\?"):
            app.url_for("smae")
        outer = App()
        outer.mount("/inner", app, name="inner")
        with pytest.raises(TreeError, match=r"RW107 .*no route has this name\. Did you mean inner\.same\?"):
            outer.url_for("inner.sme")
        with pytest.raises(TreeError, match=r"RW107 .*several routes have this name\. Give each route its own name"):
            app.url_for("same")

    def test_parameters_that_do_not_fit(self) -> None:
        app = App()
        app.get("/{id:int}", name="user")(lambda request, id: "")
        with pytest.raises(TreeError, match="RW108 .*needs id and was given none"):
            app.url_for("user")
        with pytest.raises(TreeError, match=r"RW108 .*: id is 'x', not an integer\. Give a value that the conv"):
            app.url_for("user", id="x")
