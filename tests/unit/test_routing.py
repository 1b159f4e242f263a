"""Patterns, decorators and url_for."""

import re
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from ropewalk import App, Converter, Files, Request, Resource
from ropewalk.errors import HandlerError, TreeError
from ropewalk.testing import Client
from ropewalk.wsgi import wsgi


def responding(word: str) -> Any:
    def handler(request: Request) -> str:
        return word

    return handler


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
        """RFC 9110, sections 9.3.7 and 15.5.6."""
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


class TestParameters:
    def test_by_the_pattern(self) -> None:
        app = App()
        app.get("/users/{id:int}/files/{name:path}")(lambda request, id, name: {"id": id, "name": name})
        client = Client(app)
        assert client.get("/users/7/files/a/b.txt").json() == {"id": 7, "name": "a/b.txt"}
        assert client.get("/users/7/files/").json() == {"id": 7, "name": ""}
        assert client.get("/users/seven/files/a").status == 404

    def test_by_the_annotation(self) -> None:
        app = App()

        @app.get("/{number}/{ratio}/{key}/{word}")
        def handler(request: Request, number: int, ratio: float, key: UUID, word: str) -> list[str]:
            return [type(value).__name__ for value in (number, ratio, key, word)]

        response = Client(app).get("/7/0.5/12345678-1234-5678-1234-567812345678/x")
        assert response.json() == ["int", "float", "UUID", "str"]

    def test_a_converter_of_ones_own(self) -> None:
        app = App()
        app.converter(Converter("date", date.fromisoformat, date.isoformat, makes=date))

        @app.get("/by-pattern/{day:date}")
        def by_pattern(request: Request, day: Any) -> str:
            return str(day.year)

        @app.get("/by-annotation/{day}")
        def by_annotation(request: Request, day: date) -> str:
            return str(day.year)

        client = Client(app)
        assert client.get("/by-pattern/2027-05-01").text == "2027"
        assert client.get("/by-annotation/2027-05-01").text == "2027"
        assert client.get("/by-annotation/2027-13-01").status == 404
        assert app.url_for("by_annotation", day=date(2027, 5, 1)) == "/by-annotation/2027-05-01"

    def test_the_more_specific_comes_first(self) -> None:
        app = App()
        app.get("/{rest:path}")(lambda request, rest: f"path {rest}")
        app.get("/{word}")(lambda request, word: f"word {word}")
        app.get("/{number:int}")(lambda request, number: f"number {number}")
        app.get("/fixed")(responding("fixed"))
        client = Client(app)
        assert client.get("/fixed").text == "fixed"
        assert client.get("/7").text == "number 7"
        assert client.get("/x").text == "word x"
        assert client.get("/x/y").text == "path x/y"

    def test_a_step_that_leads_nowhere_is_taken_back(self) -> None:
        app = App()
        app.get("/rooms/free")(responding("free"))
        app.get("/rooms/{id}/bookings")(lambda request, id: f"bookings of {id}")
        assert Client(app).get("/rooms/free/bookings").text == "bookings of free"

    def test_another_method_below_another_converter(self) -> None:
        app = App()
        app.get("/{id:int}")(lambda request, id: "number")
        app.delete("/{id:str}")(lambda request, id: f"deleted {id!r}")
        client = Client(app)
        assert client.delete("/7").text == "deleted '7'"
        assert client.get("/seven").status == 405

    def test_decoded(self) -> None:
        app = App()
        app.get("/{name}")(lambda request, name: name)
        assert Client(app).get("/a%2Bb%20%C3%A9").text == "a+b é"

    @pytest.mark.parametrize("segment", ["a%2Fb", "..%2fnotes.py", "%2Fetc%2Fpasswd", "%2F", "a%2F"])
    def test_an_encoded_slash_is_in_no_parameter_of_one_segment(self, segment: str) -> None:
        """A handler that joins it to a folder would leave the folder."""
        app = App()
        app.converter(Converter("shout", str.upper))
        for pattern in ("/str/{name}", "/named/{name:str}", "/own/{name:shout}", "/above/{name}/x"):
            app.get(pattern)(lambda request, name: f"one {name}")
        client = Client(app)
        assert client.get(f"/str/{segment}").status == 404
        assert client.get(f"/named/{segment}").status == 404
        assert client.get(f"/own/{segment}").status == 404
        assert client.get(f"/above/{segment}/x").status == 404

    def test_an_encoded_slash_is_for_what_takes_the_rest(self) -> None:
        app = App()
        app.get("/{name}")(lambda request, name: f"one {name}")
        app.get("/{rest:path}")(lambda request, rest: f"rest {rest}")
        assert Client(app).get("/a%2Fb").text == "rest a/b"
        assert Client(app).get("/a%20b").text == "one a b"

    def test_an_encoded_slash_is_in_no_parameter_of_a_mount(self) -> None:
        inner, app = App(), App()
        inner.get("/files")(lambda request: request.params["tenant"])
        app.mount("/{tenant}", inner)
        assert Client(app).get("/a%2Fb/files").status == 404
        assert Client(app).get("/a%20b/files").text == "a b"

    def test_an_encoded_slash_is_in_no_parameter_of_an_app_at_a_segment(self) -> None:
        app = App()
        app.get("/{name}")(lambda request, name: name)
        root = Resource()
        root.putChild("api", app)
        assert Client(root).get("/api/a%2Fb").status == 404

    def test_a_file_above_a_folder_is_not_sent_by_an_encoded_slash(self, tmp_path: Path) -> None:
        (tmp_path / "public").mkdir()
        (tmp_path / "notes.py").write_text("secret")
        app = App()
        app.get("/download/{name}")(lambda request, name: tmp_path / "public" / name)
        for way in ("..%2fnotes.py", "%2e%2e%2Fnotes.py", quote(str(tmp_path / "notes.py"), safe="")):
            assert Client(app).get(f"/download/{way}").status == 404

    def test_a_handler_may_leave_them_to_the_request(self) -> None:
        app = App()
        app.get("/{id:int}")(lambda request: str(request.params["id"] + 1))
        assert Client(app).get("/7").text == "8"

    def test_keywords_take_all(self) -> None:
        app = App()
        app.get("/{a}/{b}")(lambda request, **parameters: parameters)
        assert Client(app).get("/1/2").json() == {"a": "1", "b": "2"}


class TestMistakes:
    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("users", "does not begin with a slash. Write '/users'."),
            ("/a{id}", "must fill its segment. Let it take the whole segment"),
            ("/{id}.json", "must fill its segment. Let it take the whole segment"),
            ("/{}", "'' cannot be the name of a parameter. Letters"),
            ("/{a b}", "'a b' cannot be the name of a parameter. Letters"),
            ("/{id}/{id}", "two parameters of one name. Give each a name of its own."),
            (
                "/{rest:path}/more",
                "has a segment after a parameter that takes the rest of the path. Put that parameter last",
            ),
        ],
    )
    def test_patterns(self, path: str, message: str) -> None:
        with pytest.raises(TreeError, match=rf"RW101 tests/unit/test_routing.py:\d+: .*{message}"):
            App().get(path)(lambda request, **parameters: "")

    def test_a_converter_that_is_not_there(self) -> None:
        with pytest.raises(TreeError, match=r"RW102 .*'number'\. There are: float, int, path, str, uuid"):
            App().get("/{id:number}")(lambda request, id: "")

    def test_a_converter_that_was_meant(self) -> None:
        with pytest.raises(TreeError, match=r"RW102 tests/unit/test_routing.py:\d+: .* Did you mean int\? There are: "):
            App().get("/{id:integer}")(lambda request, id: "")

    def test_an_annotation_without_a_converter(self) -> None:
        def handler(request: Request, day: date) -> str:
            return ""

        with pytest.raises(TreeError, match="RW102 .*no converter makes day: date"):
            App().get("/{day}")(handler)

    def test_no_parentheses(self) -> None:
        with pytest.raises(TreeError, match=r'RW101 tests/unit/test_routing.py:\d+: .* Write `@app.get\("/..."\)`'):
            App().get(responding(""))

    @pytest.mark.parametrize(
        ("segment", "ours"),
        [("<id>", "{id}"), ("<int:id>", "{id:int}"), ("<string:id>", "{id}"), ("<path:id>", "{id:path}")],
    )
    def test_flasks_style(self, segment: str, ours: str) -> None:
        with pytest.raises(TreeError, match=f"RW101 .*{segment} is in another style. Use {ours}."):
            App().get(f"/a/{segment}")(lambda request, id: "")

    def test_methods_in_one_word(self) -> None:
        with pytest.raises(TreeError, match=r"RW109 '/a' has methods='GET'. Write methods=\['GET'\]."):
            App().route("/a", methods="GET")

    @pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete", "options"])
    def test_methods_where_the_method_is_said(self, method: str) -> None:
        with pytest.raises(TreeError, match=rf"RW109 app.{method}\('/b'\) .*Write app.route\('/b', methods="):
            getattr(App(), method)("/b", methods=["POST"])

    def test_one_place_by_two_names(self) -> None:
        app = App()
        app.get("/users/{id}")(lambda request, id: "")
        app.post("/users/{name}")(lambda request, name: "")
        places = r"tests/unit/test_routing.py:\d+ and tests/unit/test_routing.py:\d+"
        both = r"GET /users/\{id\} and GET /users/\{user\} are one path, claimed twice"
        with pytest.raises(TreeError, match=f"RW104 {both}: {places}"):
            app.get("/users/{user}")(lambda request, user: "")

    def test_one_name_at_two_places(self) -> None:
        inner, middle, app = App(), App(), App()
        inner.get("/{id}/edit")(lambda request, id: "")
        middle.mount("/posts", inner)
        with pytest.raises(TreeError, match=r"RW103 \{id\} of /users/\{id\} is the name of another parameter"):
            app.mount("/users/{id}", middle)
        assert app.routes() == []

    def test_one_name_at_two_places_that_is_seen_too_late(self) -> None:
        inner, app = App(), App()
        app.mount("/users/{id}", inner)
        inner.get("/{id}/edit")(lambda request, id: id)
        inner.get("/{id}/")(lambda request, id: "")
        inner.get("/name")(lambda request: request.params["id"])
        client = Client(app)
        assert client.get("/users/1/2/edit").text == "2"
        assert client.get("/users/1/2/none").status == 404
        assert client.get("/users/1/name").text == "1"

    def test_a_path_claimed_twice(self) -> None:
        app = App()
        app.get("/a")(responding("one"))
        with pytest.raises(
            TreeError,
            match=r"RW104 GET /a is claimed twice: tests/unit/test_routing.py:\d+ and tests/unit/test_routing.py:\d+",
        ):
            app.get("/a")(responding("two"))

    @pytest.mark.parametrize("handler", [lambda: "", lambda *, request: "", partial(responding, word="x")])
    def test_a_handler_without_a_request(self, handler: Any) -> None:
        with pytest.raises(HandlerError, match="RW202 .*does not take the request"):
            App().get("/")(handler)

    def test_a_handler_that_needs_more(self) -> None:
        with pytest.raises(HandlerError, match=r"RW202 .*test_routing.py:\d+ needs name, which /\{id\} does not have"):
            App().get("/{id}")(lambda request, id, name: "")

    def test_a_handler_that_takes_some(self) -> None:
        with pytest.raises(HandlerError, match=r"RW202 .*does not take b of /\{a\}/\{b\}"):
            App().get("/{a}/{b}")(lambda request, a: "")


class TestNames:
    """Every route calls its parameters as it likes."""

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
        with pytest.raises(TreeError, match="RW104 /a/ is claimed twice"):
            app.mount("/a/", App())


class TestMountedTwice:
    @pytest.mark.parametrize(("first", "second"), [(App, App), (App, Resource), (lambda: Files("."), App)])
    def test_both_are_named_with_their_places(self, first: Any, second: Any) -> None:
        app, one, other = App(), first(), second()
        app.mount("/m", one)
        with pytest.raises(TreeError) as caught:
            app.mount("/m/", other)
        here = r"\(mounted at tests/unit/test_routing\.py:(\d+)\)"
        told = rf"/m/ is claimed twice, by {type(one).__name__} {here} and {type(other).__name__} {here}\."
        found = re.fullmatch(told, caught.value.message)
        assert found is not None, caught.value.message
        assert int(found[2]) == int(found[1]) + 2


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
        """The path would not lead back."""
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

    def test_names_that_are_not_there_or_not_alone(self) -> None:
        app = App()
        app.get("/a", name="same")(responding(""))
        app.get("/b", name="same")(responding(""))
        with pytest.raises(TreeError, match=r"RW107 .*no route has this name\. Give each route a name"):
            app.url_for("other")
        with pytest.raises(TreeError, match=r"RW107 .*no route has this name\. Did you mean same\?"):
            app.url_for("smae")
        outer = App()
        outer.mount("/inner", app, name="inner")
        with pytest.raises(TreeError, match=r"RW107 .*no route has this name\. Did you mean inner\.same\?"):
            outer.url_for("inner.sme")
        with pytest.raises(TreeError, match=r"RW107 .*several routes have this name\. Give each a name of its own"):
            app.url_for("same")

    def test_parameters_that_do_not_fit(self) -> None:
        app = App()
        app.get("/{id:int}", name="user")(lambda request, id: "")
        with pytest.raises(TreeError, match="RW108 .*needs id and was given none"):
            app.url_for("user")
        with pytest.raises(TreeError, match=r"RW108 .*: id is 'x', not an integer\. Give what the conv"):
            app.url_for("user", id="x")


class TestTrailingSlash:
    def make(self, policy: Any) -> Client:
        app = App(trailing_slash=policy)
        app.get("/without")(responding("without"))
        app.get("/with/")(responding("with"))
        app.get("/users/{id:int}")(lambda request, id: f"user {id}")
        return Client(app)

    def test_redirect(self) -> None:
        client = self.make("redirect")
        for path, other in (("/without/?a=1", "/without?a=1"), ("/with", "/with/"), ("/users/7/", "/users/7")):
            response = client.get(path)
            assert (response.status, response.headers["location"]) == (308, other)
        assert client.get("/without//").status == 404
        assert client.post("/without/").status == 404

    def test_ignore(self) -> None:
        client = self.make("ignore")
        assert client.get("/without/").text == "without"
        assert client.get("/with").text == "with"
        assert client.get("/users/7/").text == "user 7"

    def test_strict(self) -> None:
        client = self.make("strict")
        assert client.get("/without/").status == client.get("/with").status == 404

    @pytest.mark.parametrize("outer", [None, "redirect", "ignore", "strict"])
    @pytest.mark.parametrize("inner", [None, "redirect", "ignore", "strict"])
    def test_of_a_mounted_app(self, outer: Any, inner: Any) -> None:
        """Its own, where it has one, else that of the app around it."""
        todos, between, app = App(trailing_slash=inner), App(), App(trailing_slash=outer)
        todos.get("/")(responding("todos"))
        todos.get("/{id:int}")(lambda request, id: f"todo {id}")
        between.mount("/todos", todos)
        app.mount("/", between)
        client = Client(app)
        statuses = [client.get(path).status for path in ("/todos", "/todos/7/")]
        assert statuses == [{"redirect": 308, "ignore": 200, "strict": 404}[inner or outer or "redirect"]] * 2

    def test_never_to_another_host(self) -> None:
        app = App()
        app.get("//evil.example/")(responding(""))
        response = Client(app).get("//evil.example")
        assert response.headers["location"] == "/evil.example/"


class TestListing:
    def test_routes(self) -> None:
        app = App()
        app.get("/")(responding(""))
        app.route("/users/{id:int}", ["GET", "DELETE"])(lambda request, id: "")
        app.mount("/files", Files("."))
        lines = [(route.method, route.path, route.name) for route in app.routes()]
        assert lines == [
            ("GET", "/", "responding.<locals>.handler"),
            ("GET", "/files/{...}", "Files.render_GET"),
            ("DELETE", "/users/{id:int}", "TestListing.test_routes.<locals>.<lambda>"),
            ("GET", "/users/{id:int}", "TestListing.test_routes.<locals>.<lambda>"),
        ]
        assert app.routes()[0].place.startswith("tests/unit/test_routing.py:")

    def test_what_takes_any_method(self) -> None:
        """A star, for registered methods and others reach it too; not what a route or a `render_*` takes before it."""

        class Anything(Resource):
            def render(self, request: Request) -> str:
                return request.method

            def render_PUT(self, request: Request) -> str:
                return "own"

        app = App()
        app.mount("/any", Anything())
        app.mount("/wsgi", wsgi(lambda environ, start_response: []))
        assert [(route.method, route.path) for route in app.routes()] == [
            ("*", "/any"),
            ("PUT", "/any"),
            ("*", "/wsgi/{...}"),
        ]

    def test_exact_methods(self) -> None:
        class Some(Resource):
            allowedMethods = ("GET", "PURGE")

            def render(self, request: Request) -> str:
                return request.method

        app = App()
        app.mount("/some", Some())
        assert [route.method for route in app.routes()] == ["GET", "OPTIONS", "PURGE"]
