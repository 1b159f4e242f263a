"""The list of the routes of an app."""

from tests.unit.routing.handlers import responding

from ropewalk import App, Files, Request, Resource
from ropewalk.wsgi import wsgi


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
        assert app.routes()[-1].place.startswith("tests/unit/routing/test_listing.py:")

    def test_what_takes_any_method(self) -> None:
        """For a resource that takes any method, the list has a star. It stands for all methods except those of another
        route or `render_*` method."""

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
