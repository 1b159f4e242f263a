"""Resources whose `begin` and `end` hooks are called with the app."""

import pytest

from ropewalk import App, Request, Resource
from ropewalk.resource import Hosted, hosted_below
from ropewalk.testing import Client


class Guest(Hosted):
    """Records the calls of its hooks."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.start_hooks.append(lambda: self.calls.append("start"))
        self.start_hooks.append(self._start_later)
        self.stop_hooks.append(lambda: self.calls.append("stop last"))
        self.stop_hooks.append(lambda: self.calls.append("stop first"))

    async def _start_later(self) -> None:
        self.calls.append("start later")

    def render(self, request: Request) -> str:
        return "/".join(request.postpath)


def test_it_starts_and_stops_with_the_app() -> None:
    guest, app = Guest(), App()
    app.mount("/guest", guest)
    with Client(app) as client:
        assert guest.calls == ["start", "start later"]
        assert client.post("/guest/a/b").text == "a/b"
    assert guest.calls[2:] == ["stop first", "stop last"]


def test_after_the_app_and_before_it() -> None:
    guest, inner, app = Guest(), App(), App()
    inner.mount("/guest", guest)
    app.mount("/inner", inner)
    for each in (app, inner):
        each.on_start(lambda: guest.calls.append("app starts"))
        each.on_stop(lambda: guest.calls.append("app stops"))
    with Client(app):
        assert guest.calls == ["app starts", "app starts", "start", "start later"]
    assert guest.calls[4:] == ["stop first", "stop last", "app stops", "app stops"]


def test_one_that_is_put_at_the_root() -> None:
    guest = Guest()
    with Client(guest) as client:
        assert client.get("/").text == ""
    assert guest.calls == ["start", "start later", "stop first", "stop last"]


def test_they_are_found_wherever_they_hang_and_once() -> None:
    deep, captured, mounted, root = Guest(), Guest(), Guest(), Resource()
    app = App()
    branch = Resource()
    root.putChild("branch", branch)
    branch.putChild("deep", deep)
    branch.putChild("again", deep)
    branch.putChild("round", root)
    app.mount("/tree", root)
    app.mount("/{name}/captured", captured)
    app.mount("/", mounted)
    assert hosted_below(app.resource) == [deep, captured, mounted]


@pytest.mark.parametrize("hook", ["start_hooks", "stop_hooks"])
def test_other_resources_need_no_hooks(hook: str) -> None:
    assert not hasattr(Resource(), hook)


class TestAlone:
    """If a hosted resource is all that an app has, the app calls it without a search for a route. The responses must be
    the same as with a search."""

    @staticmethod
    def texts(app: App, *paths: str) -> list[str]:
        client = Client(app)
        return [client.get(path).text for path in paths for _ in range(2)]

    def test_every_path_and_method(self) -> None:
        app = App()
        app.mount("/", Guest())
        assert self.texts(app, "/", "/a", "/a/b/") == ["", "", "a", "a", "a/b/", "a/b/"]
        client = Client(app)
        assert [client.post(f"/{number}").text for number in range(3)] == ["0", "1", "2"]

    def test_until_something_stands_beside_it(self) -> None:
        app = App()
        app.mount("/", Guest())
        assert self.texts(app, "/a", "/b") == ["a", "a", "b", "b"]
        app.get("/a")(lambda request: "route")
        assert self.texts(app, "/a", "/b") == ["route", "route", "b", "b"]

    def test_with_middleware_that_came_later(self) -> None:
        app = App()
        app.mount("/", Guest())
        assert self.texts(app, "/a") == ["a", "a"]

        @app.middleware
        async def instead(request: Request, next: object) -> str:
            return "instead"

        assert self.texts(app, "/a") == ["instead", "instead"]

    def test_a_method_that_it_does_not_take(self) -> None:
        class Reader(Hosted):
            def render_GET(self, request: Request) -> str:
                return "read"

        app = App()
        app.mount("/", Reader())
        assert self.texts(app, "/a") == ["read", "read"]
        assert [Client(app).post("/a").status for _ in range(2)] == [405, 405]

    def test_a_path_that_is_not_utf_8(self) -> None:
        app = App()
        app.mount("/", Guest())
        assert [Client(app).get("/%ff").status for _ in range(2)] == [400, 400]


class TestAStartThatFails:
    def test_what_had_started_is_stopped_again(self) -> None:
        first, second, third = Guest(), Guest(), Guest()
        second.start_hooks.append(lambda: 1 // 0)
        app = App()
        calls: list[str] = []
        app.on_stop(lambda: calls.append("app stops"))
        for path, guest in (("/1", first), ("/2", second), ("/3", third)):
            app.mount(path, guest)
        with pytest.raises(ZeroDivisionError), Client(app):
            pass
        whole = ["start", "start later", "stop first", "stop last"]
        assert [first.calls, second.calls, third.calls] == [whole, whole, []]
        assert calls == ["app stops"]
