"""Responses to errors that no error handler makes, and `error_format`."""

from tests.problems import problem
from tests.unit.conftest import Log

from ropewalk import App, HTTPError, Request
from ropewalk.testing import Client

NOTHING: dict[str, str] = {}


class TestPlainErrors:
    def test_problem_details_by_default(self) -> None:
        response = Client(App()).get("/<script>")
        assert (response.status, response.text) == (404, problem(404))
        assert response.headers["content-type"] == "application/problem+json"

    def test_text_by_an_option(self) -> None:
        response = Client(App(error_format="text")).get("/<script>")
        assert (response.status, response.text) == (404, "Not Found\n")
        assert response.headers["content-type"] == "text/plain; charset=utf-8"

    def test_a_handler_finds_the_phrase(self) -> None:
        app = App()
        app.error(HTTPError)(lambda request, error: {"error": error.detail})
        assert Client(app).get("/").json() == {"error": "Not Found"}

    def test_details_of_other_kinds_are_json(self) -> None:
        app = App(error_format="text")

        @app.get("/")
        def handler(request: Request) -> str:
            raise HTTPError(422, {"field": "name"})

        response = Client(app).get("/")
        assert (response.status, response.json()) == (422, {"field": "name"})

    def test_a_500_shows_no_details(self, log: Log) -> None:
        app = App()
        app.get("/")(lambda request: NOTHING["secret"])
        assert Client(app, raise_errors=False).get("/").text == problem(500)

    def test_a_500_shows_the_traceback_in_debug_mode(self, log: Log) -> None:
        app = App(debug=True)
        app.get("/")(lambda request: NOTHING["secret"])
        assert "KeyError: 'secret'" in Client(app, raise_errors=False).get("/").text
