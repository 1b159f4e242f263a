"""Routes that cannot be added, and the errors that say why."""

from typing import Annotated, Any
from uuid import UUID

import pytest

from ropewalk import App, Request
from ropewalk.errors import HandlerError, InvalidField, TreeError
from ropewalk.routing import Routes
from ropewalk.testing import Client

PLACE = r"tests/unit/routing/test_route_errors\.py:\d+"


class TestMistakes:
    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("users", "does not begin with a slash. Write '/users'."),
            ("/a{id}", "must be a whole segment. Let the parameter match the whole segment"),
            ("/{id}.json", "must be a whole segment. Let the parameter match the whole segment"),
            ("/{}", "'' cannot be the name of a parameter. Use a Python identifier"),
            ("/{a b}", "'a b' cannot be the name of a parameter. Use a Python identifier"),
            ("/{id}/{id}", "two parameters with the same name. Give each parameter its own name."),
            (
                "/{rest:path}/more",
                "has a segment after a parameter that takes the rest of the path. Put that parameter last",
            ),
        ],
    )
    def test_patterns(self, path: str, message: str) -> None:
        with pytest.raises(TreeError, match=rf"RW101 {PLACE}: .*{message}"):
            App().get(path)(lambda request, **parameters: "")

    def test_a_converter_that_is_not_there(self) -> None:
        with pytest.raises(TreeError, match=r"RW102 .*'number'\. There are: float, int, path, str, uuid"):
            App().get("/{id:number}")(lambda request, id: "")

    def test_a_converter_that_was_meant(self) -> None:
        with pytest.raises(TreeError, match=rf"RW102 {PLACE}: .* Did you mean int\? There are: "):
            App().get("/{id:integer}")(lambda request, id: "")

    def test_an_annotation_without_a_converter(self) -> None:
        def handler(request: Request, ratio: complex) -> str:
            return ""

        with pytest.raises(TreeError, match="RW102 .*no converter for ratio produces complex"):
            App().get("/{ratio}")(handler)

    @pytest.mark.parametrize(
        ("path", "kind"),
        [("/{id:uuid}", str), ("/{id:int}", Annotated[str, "a number"]), ("/{id:float}", int), ("/{id:int}", bytes)],
    )
    def test_an_annotation_against_the_converter(self, path: str, kind: Any) -> None:
        def handler(request: Request, id: Any) -> str:
            return ""

        handler.__annotations__["id"] = kind
        with pytest.raises(TreeError, match=r"RW102 .*makes (UUID|int|float), but id is (str|int|bytes)\. Annotate"):
            App().get(path)(handler)

    def test_annotations_with_the_converter(self) -> None:
        app = App()
        for number, (converter, kind) in enumerate([("int", float), ("uuid", Any), ("path", str), ("str", UUID)]):

            def handler(request: Request, id: Any) -> str:
                return ""

            handler.__annotations__["id"] = kind
            app.get(f"/{number}/{{id:{converter}}}")(handler)
        assert len(app.routes()) == 4

    def test_no_parentheses(self) -> None:
        function: Any = lambda request: ""  # noqa: E731 - stands for any handler
        with pytest.raises(TreeError, match=rf'RW101 {PLACE}: .* Write `@app.get\("/..."\)`'):
            App().get(function)

    @pytest.mark.parametrize(
        ("segment", "ours"),
        [("<id>", "{id}"), ("<int:id>", "{id:int}"), ("<string:id>", "{id}"), ("<path:id>", "{id:path}")],
    )
    def test_flasks_style(self, segment: str, ours: str) -> None:
        with pytest.raises(
            TreeError, match=f"RW101 .*{segment} is a parameter in the style of another framework. Use {ours}."
        ):
            App().get(f"/a/{segment}")(lambda request, id: "")

    def test_methods_in_one_word(self) -> None:
        with pytest.raises(
            TreeError, match=r"RW109 '/a' has the invalid value methods='GET'. Write methods=\['GET'\]."
        ):
            App().route("/a", methods="GET")

    @pytest.mark.parametrize("status", [99, 600, "201", True])
    def test_a_wrong_status(self, status: Any) -> None:
        place = r"\(.*test_route_errors.py:[0-9]+\)"
        wrong = rf"RW304 The route '/a' has the invalid value status={status!r} {place}\. Give an int from"
        with pytest.raises(InvalidField, match=wrong):
            App().get("/a", status=status)

    @pytest.mark.parametrize("limit", [-1, "5"])
    def test_a_wrong_body_limit(self, limit: Any) -> None:
        wrong = rf"RW271 The route '/a' has the invalid value body_limit={limit!r} \(.*test_route_errors.py:[0-9]+\)"
        with pytest.raises(HandlerError, match=wrong):
            App().post("/a", body_limit=limit)

    @pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete", "options"])
    def test_methods_where_the_method_is_said(self, method: str) -> None:
        with pytest.raises(TreeError, match=rf"RW109 {method}\('/b'\) .*Write route\('/b', methods="):
            getattr(App(), method)("/b", methods=["POST"])

    def test_one_place_by_two_names(self) -> None:
        app = App()
        app.get("/users/{id}")(lambda request, id: "")
        app.post("/users/{name}")(lambda request, name: "")
        both = r"GET /users/\{id\} and GET /users/\{user\} are the same route, registered twice"
        with pytest.raises(TreeError, match=f"RW104 {both}: {PLACE} and {PLACE}"):
            app.get("/users/{user}")(lambda request, user: "")

    def test_one_name_at_two_places(self) -> None:
        inner, middle, app = App(), App(), App()
        inner.get("/{id}/edit")(lambda request, id: "")
        middle.mount("/posts", inner)
        with pytest.raises(TreeError, match=r"RW103 \{id\} of /users/\{id\} is also the name of a parameter"):
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
        app.get("/a")(lambda request: "one")
        with pytest.raises(
            TreeError,
            match=rf"RW104 GET /a is registered twice: {PLACE} and {PLACE}",
        ):
            app.get("/a")(lambda request: "two")

    @pytest.mark.parametrize("handler", [lambda: "x", lambda *, request: request.query_string])
    def test_a_handler_without_a_request(self, handler: Any) -> None:
        app = App()
        app.get("/")(handler)
        assert Client(app).get("/?x").text == "x"

    def test_a_handler_that_needs_more(self) -> None:
        with pytest.raises(HandlerError, match=rf"RW202 .*{PLACE} needs name, which /\{{id\}} does not have"):
            App().get("/{id}")(lambda request, id, name: "")

    def test_a_handler_that_takes_some(self) -> None:
        with pytest.raises(HandlerError, match=r"RW202 .*does not take b of /\{a\}/\{b\}"):
            App().get("/{a}/{b}")(lambda request, a: "")


class TestCircles:
    """An app that contains itself would have endless paths, and could not be started."""

    def test_an_app_in_itself(self) -> None:
        app = App()
        with pytest.raises(TreeError, match=rf"RW111 The mount at '/x' would put App into itself \({PLACE}\)\. Mount"):
            app.mount("/x", app)
        assert Client(app).get("/x").status == 404

    def test_an_app_in_one_that_it_contains(self) -> None:
        outer, middle, inner = App(), App(), Routes()
        outer.mount("/middle", middle)
        middle.mount("/inner", inner)
        with pytest.raises(
            TreeError, match=rf"RW111 .* put Routes into itself, because App contains it already \({PLACE}"
        ):
            inner.mount("/outer", outer)
        assert Client(outer).get("/middle/inner").status == 404

    def test_an_app_that_is_mounted_twice_is_no_circle(self) -> None:
        outer, first, second, shared = App(), App(), App(), App()
        shared.get("")(lambda request: "shared")
        for name, each in (("first", first), ("second", second)):
            each.mount("/shared", shared, name=name)
            outer.mount(f"/{name}", each)
        assert Client(outer).get("/second/shared").text == "shared"


def test_a_mount_without_a_slash_names_its_place() -> None:
    with pytest.raises(TreeError, match=rf"RW101 {PLACE}: 'x' does not begin with a slash\. Write '/x'\."):
        App().mount("x", App())
