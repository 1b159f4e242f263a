"""The document as a whole: which operations it has, their names, and what the options add."""

from functools import partial
from typing import Any

import pytest
from msgspec import Struct
from tests.unit.openapi.described import described, operation

from ropewalk import App, Files, OpenAPI, Request, Resource, wsgi
from ropewalk.errors import HandlerError
from ropewalk.openapi import encode_document
from ropewalk.routing import Routes


class Room(Struct):
    """A room."""

    number: str


def handler(request: Request) -> str:
    return ""


class TestOperations:
    def test_an_empty_app(self) -> None:
        assert described(App()) == {
            "openapi": "3.1.1",
            "info": {"title": "Hotel", "version": "1.0"},
            "paths": {},
            "components": {},
        }

    def test_all_methods_of_a_path(self) -> None:
        app = App()
        for method in ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "PURGE"):
            app.route("/a", [method])(handler)
        methods = {"get", "put", "post", "delete", "options", "head", "patch"}
        assert set(described(app)["paths"]["/a"]) == methods

    def test_what_follows_from_get_is_left_out(self) -> None:
        app = App()
        app.get("/a")(handler)
        assert list(described(app)["paths"]["/a"]) == ["get"]

    def test_routes_of_mounted_apps(self) -> None:
        app, inner = App(), App()
        inner.get("/rooms/{number}")(handler_of_number)
        app.mount("/hotels/{hotel:int}", inner)
        found = operation(app, "/hotels/{hotel}/rooms/{number}")
        assert found["parameters"] == [
            {"name": "hotel", "in": "path", "required": True, "schema": {"type": "integer"}},
            {"name": "number", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}},
        ]

    def test_the_same_app_mounted_twice(self) -> None:
        app, inner = App(), App()
        inner.get("/a")(handler)
        app.mount("/one", inner)
        app.mount("/two", inner)
        assert list(described(app)["paths"]) == ["/one/a", "/two/a"]

    def test_the_own_route_comes_before_that_of_a_mounted_app(self) -> None:
        app, inner = App(), App()
        app.get("/a", summary="outer")(handler)
        inner.get("/a", summary="inner")(handler)
        inner.post("/a", summary="posted")(handler)
        app.mount("/", inner)
        found = described(app)["paths"]["/a"]
        assert {method: each["summary"] for method, each in found.items()} == {"get": "outer", "post": "posted"}

    def test_methods_of_resources(self) -> None:
        class Rooms(Resource):
            def render_GET(self, request: Request) -> str:
                """All rooms."""
                return ""

            def render_POST(self, request: Request) -> None: ...

        app = App()
        app.resource.putChild("rooms", Rooms())
        assert described(app)["paths"]["/rooms"] == {
            "get": {
                "summary": "All rooms.",
                "operationId": "Rooms_get",
                "responses": {"200": {"description": "OK", "content": {"text/html": {"schema": {"type": "string"}}}}},
            },
            "post": {"operationId": "Rooms_post", "responses": {"204": {"description": "No Content"}}},
        }

    def test_what_takes_any_path_or_method_is_left_out(self) -> None:
        class Any(Resource):
            def render(self, request: Request) -> str:
                return ""

        class Dynamic(Resource):
            def getChild(self, name: str, request: Request) -> Resource | None:
                return None

        app = App()
        app.mount("/files", Files("."))
        app.mount("/wsgi", wsgi(lambda environ, start: []))
        app.mount("/any", Any())
        app.mount("/dynamic", Dynamic())
        assert described(app)["paths"] == {}

    def test_a_resource_that_contains_itself(self) -> None:
        app = App()
        app.get("/a")(handler)
        app.resource.putChild("again", app.resource)
        assert list(described(app)["paths"]) == ["/a"]

    def test_parameters_with_two_names_are_one_path(self) -> None:
        app = App()
        app.get("/rooms/{number}")(handler_of_number)
        app.put("/rooms/{id}")(handler_of_id)
        found = described(app)["paths"]
        assert list(found) == ["/rooms/{number}"]
        assert [each["parameters"][0]["name"] for each in found["/rooms/{number}"].values()] == ["number", "number"]

    def test_of_paths_that_differ_in_their_converters_the_first_one_tried(self) -> None:
        app = App()
        app.get("/rooms/{number}")(handler_of_number)
        app.get("/rooms/{id:int}")(handler_of_int)
        found = described(app)["paths"]
        assert list(found) == ["/rooms/{id}"]
        assert found["/rooms/{id}"]["get"]["operationId"] == "handler_of_int"

    def test_segments_are_written_as_clients_write_them(self) -> None:
        app = App()
        inner = App()
        inner.get("/")(handler)
        app.resource.putChild("a b{c}", inner)
        assert list(described(app)["paths"]) == ["/a%20b%7Bc%7D/"]

    def test_routes_without_an_app(self) -> None:
        routes = Routes()
        routes.get("/a")(handler)
        assert b'"/a"' in encode_document(routes.resource, OpenAPI("Hotel", "1.0"))


def handler_of_number(request: Request, number: str) -> str:
    return number


def handler_of_id(request: Request, id: str) -> str:
    return id


def handler_of_int(request: Request, id: int) -> str:
    return str(id)


class TestDescriptions:
    def test_the_docstring(self) -> None:
        app = App()

        @app.get("/a")
        def rooms() -> str:
            """All rooms.

            Also those
            that are taken.
            """
            return ""

        found = operation(app, "/a")
        assert found["summary"] == "All rooms."
        assert found["description"] == "Also those\nthat are taken."

    def test_the_name_without_a_docstring(self) -> None:
        app = App()

        @app.get("/a")
        async def free_rooms() -> str:
            return ""

        found = operation(app, "/a")
        assert found["summary"] == "Free rooms"
        assert "description" not in found

    def test_a_lambda(self) -> None:
        app = App()
        app.get("/a")(lambda request: "")
        app.get("/")(lambda request: "")
        assert operation(app, "/a") == {"operationId": "get_a", "responses": {"200": {"description": "OK"}}}
        assert operation(app, "/")["operationId"] == "get"

    def test_a_partial(self) -> None:
        def rooms(request: Request, order: str) -> str:
            """All rooms."""
            return order

        app = App()
        app.get("/a")(partial(rooms, order="name"))
        found = operation(app, "/a")
        assert (found["summary"], found["operationId"]) == ("All rooms.", "rooms")
        assert "description" not in found

    def test_a_callable_object(self) -> None:
        class Rooms:
            """A class."""

            def __call__(self, request: Request) -> str:
                """All rooms."""
                return ""

        class Guests:
            def __call__(self, request: Request) -> str:
                return ""

        app = App()
        app.get("/a")(Rooms())
        app.get("/b")(Guests())
        found = operation(app, "/a")
        assert (found["summary"], found["operationId"]) == ("All rooms.", "Rooms")
        assert operation(app, "/b")["summary"] == "Guests"

    def test_the_options_of_the_route(self) -> None:
        app = App()
        options: Any = {"summary": "S", "description": "D", "tags": ["rooms"], "deprecated": True}
        app.get("/a", **options, operation={"externalDocs": {"url": "https://example.org"}})(handler)
        assert operation(app, "/a") == {
            "tags": ["rooms"],
            "summary": "S",
            "description": "D",
            "operationId": "handler",
            "responses": {"200": {"description": "OK", "content": {"text/plain": {"schema": {"type": "string"}}}}},
            "deprecated": True,
            "externalDocs": {"url": "https://example.org"},
        }
        assert described(app)["tags"] == [{"name": "rooms"}]

    def test_options_of_an_empty_text_remove_the_docstring(self) -> None:
        app = App()

        @app.get("/a", summary="", description="")
        def rooms() -> str:
            """All rooms.

            More.
            """
            return ""

        assert not {"summary", "description"} & set(operation(app, "/a"))

    def test_the_operation_is_merged(self) -> None:
        app = App()
        responses = {"200": {"headers": {"ETag": {"schema": {"type": "string"}}}}}
        app.get("/a", operation={"responses": responses, "summary": "Mine"})(handler)
        found = operation(app, "/a")
        assert found["summary"] == "Mine"
        assert found["responses"]["200"]["description"] == "OK"
        assert found["responses"]["200"]["headers"] == responses["200"]["headers"]

    def test_hidden(self) -> None:
        app = App()
        app.get("/a", hidden=True)(handler)
        app.post("/a")(handler)
        assert list(described(app)["paths"]["/a"]) == ["post"]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"tags": "rooms"}, "has the invalid value tags='rooms'. Write tags=['rooms']."),
            ({"tags": [1]}, "has the invalid value tags=(1,). Give each tag as a str."),
            ({"responses": [404]}, "has the invalid value responses=[404]. Give a dict."),
            ({"operation": "x"}, "has the invalid value operation='x'. Give a dict."),
            ({"responses": {99: "x"}}, "describes responses of the status 99."),
            ({"responses": {True: "x"}}, "describes responses of the status True."),
            ({"responses": {"6XX": "x"}}, "describes responses of the status '6XX'."),
        ],
    )
    def test_wrong_options(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(HandlerError) as caught:
            App().get("/a", **options)(handler)
        assert caught.value.code == "RW219"
        assert f"handler at {__file__.rpartition('/')[2]}" in str(caught.value).replace("tests/unit/openapi/", "")
        assert message in str(caught.value)


class TestOperationIds:
    def test_the_same_function_twice(self) -> None:
        app = App()
        app.get("/a")(handler)
        app.get("/b/{number}")(handler)
        app.post("/b/{number}")(handler)
        found = described(app)["paths"]
        ids = [each["operationId"] for path in found.values() for each in path.values()]
        assert ids == ["handler", "handler_get_b_number", "handler_post_b_number"]

    def test_paths_that_differ_in_punctuation(self) -> None:
        app = App()
        for path in ("/a", "/b-c", "/b.c", "/b/c"):
            app.get(path)(handler)
        ids = {each["get"]["operationId"] for each in described(app)["paths"].values()}
        assert ids == {"handler", "handler_get_b_c", "handler_get_b_c_2", "handler_get_b_c_3"}

    def test_one_that_was_given(self) -> None:
        app = App()
        app.get("/a")(handler)
        app.get("/b", operation={"operationId": "handler"})(handler)
        assert operation(app, "/a")["operationId"] == "handler_get_a"
        assert operation(app, "/b")["operationId"] == "handler"

    def test_the_keyword(self) -> None:
        app = App()
        app.get("/a", operation_id="find")(handler)
        assert operation(app, "/a")["operationId"] == "find"

    @pytest.mark.parametrize("wrong", ["", 1, ["a"]])
    def test_what_is_none(self, wrong: Any) -> None:
        with pytest.raises(HandlerError, match="RW219 handler at .* has the invalid value operation_id="):
            App().get("/a", operation_id=wrong)(handler)
        with pytest.raises(HandlerError, match="RW219 handler at .* has the invalid value operation_id="):
            App().get("/a", operation={"operationId": wrong})(handler)

    def test_a_function_that_makes_them(self) -> None:
        app = App()
        app.get("/a")(handler)
        app.post("/a", operation_id="add")(handler)
        options = OpenAPI("Hotel", "1.0", ui=None, name_operation=lambda name, method, path: f"{method}:{path}:{name}")
        found = described(app, options)["paths"]["/a"]
        assert {name: each["operationId"] for name, each in found.items()} == {"get": "GET:/a:handler", "post": "add"}

    def test_a_function_that_makes_one_twice(self) -> None:
        app = App()
        app.get("/a")(handler)
        app.get("/b")(handler)
        options = OpenAPI("Hotel", "1.0", ui=None, name_operation=lambda name, method, path: name)
        with pytest.raises(HandlerError) as caught:
            described(app, options)
        assert "(GET /a) and handler at" in str(caught.value)
        assert "(GET /b) have the operationId 'handler'. Give each route a different operation_id" in str(caught.value)

    def test_a_function_that_makes_no_text(self) -> None:
        app = App()
        app.get("/a")(handler)
        make: Any = lambda name, method, path: None  # noqa: E731 - the test needs a function without a name
        with pytest.raises(HandlerError, match="RW219 .* returned None as an operationId"):
            described(app, OpenAPI("Hotel", "1.0", ui=None, name_operation=make))

    def test_one_that_was_given_twice(self) -> None:
        app = App()
        app.get("/a", operation={"operationId": "a"})(handler)
        app.get("/b", operation={"operationId": "a"})(handler_of_id_optional)
        with pytest.raises(HandlerError, match="RW219 handler at .* and handler_of_id_optional at .* operationId 'a'"):
            described(app)


def handler_of_id_optional(request: Request, id: str = "") -> str:
    return id


class TestOptions:
    def test_all(self) -> None:
        options = OpenAPI(
            "Hotel",
            "1.0",
            description="A hotel.",
            servers=["https://example.org/v1"],
            tags={"rooms": "All about rooms.", "guests": ""},
            security_schemes={"token": {"type": "http", "scheme": "bearer"}},
            security=[{"token": ()}],
            extra={"info": {"license": {"name": "MIT"}}, "x-internal": True},
        )
        app = App()
        app.get("/a", tags=["bills", "rooms"])(handler)
        found = described(app, options)
        assert found["info"] == {
            "title": "Hotel",
            "version": "1.0",
            "description": "A hotel.",
            "license": {"name": "MIT"},
        }
        assert found["servers"] == [{"url": "https://example.org/v1"}]
        assert found["tags"] == [
            {"name": "rooms", "description": "All about rooms."},
            {"name": "guests"},
            {"name": "bills"},
        ]
        assert found["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}
        assert found["security"] == [{"token": []}]
        assert found["x-internal"] is True

    def test_everything_about_the_api(self) -> None:
        options = OpenAPI(
            "Hotel",
            "1.0",
            ui=None,
            servers=[{"url": "https://{region}.example.org", "variables": {"region": {"default": "eu"}}}],
            contact={"name": "The desk", "email": "desk@example.org"},
            license={"name": "MIT", "identifier": "MIT"},
            terms_of_service="https://example.org/terms",
            external_docs={"url": "https://example.org/docs", "description": "A guide."},
        )
        found = described(App(), options)
        assert found["info"] == {
            "title": "Hotel",
            "version": "1.0",
            "termsOfService": "https://example.org/terms",
            "contact": {"name": "The desk", "email": "desk@example.org"},
            "license": {"name": "MIT", "identifier": "MIT"},
        }
        assert found["servers"] == options.servers
        assert found["externalDocs"]["url"] == "https://example.org/docs"

    def test_a_value_that_is_no_json(self) -> None:
        with pytest.raises(HandlerError, match="RW219 .* a value that JSON cannot have"):
            encode_document(App().resource, OpenAPI("Hotel", "1.0", extra={"x-object": object()}))
