"""Paths that match only with a slash added or removed at the end."""

from typing import Any

import pytest
from tests.unit.routing.handlers import responding

from ropewalk import App
from ropewalk.errors import HandlerError
from ropewalk.testing import Client


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
        """A mounted app uses its own setting. Without one, it uses the setting of the outer app."""
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

    def test_a_policy_that_does_not_exist(self) -> None:
        wrong = (
            r"RW271 trailing_slash is 'none' \(.*test_trailing_slash.py:[0-9]+\)\. Give one of 'redirect', 'strict', 'i"
        )
        with pytest.raises(HandlerError, match=wrong):
            self.make("none")
