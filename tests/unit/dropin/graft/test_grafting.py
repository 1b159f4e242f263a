"""Ropewalk's apps and resources, grafted onto twisted.web trees."""

from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader
from klein import Klein
from tests.unit.conftest import Log
from tests.unit.dropin.graft.program import Program, app_of
from tests.unit.dropin.mounts import mount, tree
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web.resource import IResource
from twisted.web.server import Site
from twisted.web.static import Data
from twisted.web.vhost import VHostMonsterResource
from zope.interface.verify import verifyObject

from ropewalk import App, Request, Resource, TrustedProxies
from ropewalk.dropin import HTTPChannel, accelerate, around, graft
from ropewalk.errors import StartError, TreeError
from ropewalk.static_files import Static
from ropewalk.templating import Templates, render
from ropewalk.testing import Client


class TestPlaces:
    def where(self, request: Request) -> str:
        return f"{request.prepath} {request.postpath}"

    def test_a_grafted_app_is_a_resource_of_twisted(self) -> None:
        assert verifyObject(IResource, graft(App()))

    def test_routes(self, program: Program) -> None:
        app = App()
        app.get("/")(self.where)
        app.get("/rooms/{number:int}")(lambda request, number: f"{number!r} {self.where(request)}")
        program.graft(app)
        assert program.get("/api/").text == "['api', ''] []"
        assert program.get("/api/rooms/7?a=b").text == "7 ['api', 'rooms', '7'] []"
        assert program.get("/api/rooms/seven").status == 404
        assert program.get("/elsewhere").status == 404

    def test_at_the_root(self, socket_program: Program) -> None:
        app = App()
        app.get("/")(self.where)
        app.get("/a")(self.where)
        socket_program.serve(graft(app))
        assert socket_program.get("/").text == "[''] []"
        assert socket_program.get("/a").text == "['a'] []"

    def test_a_leaf(self, socket_program: Program) -> None:
        class Rest(Resource):
            isLeaf = True

            def render_GET(leaf, request: Request) -> str:
                return self.where(request)

        root = Resource()
        root.putChild("rest", Rest())
        socket_program.serve(tree(deep=tree(api=graft(root))))
        assert socket_program.get("/deep/api/rest/a%2Fb/%C3%BC").text == "['deep', 'api', 'rest'] ['a/b', 'ü']"

    def test_slashes(self, socket_program: Program) -> None:
        socket_program.graft(app_of(self.where))
        reply = socket_program.get("/api")
        assert (reply.status, reply.headers["location"]) == (308, "/api/")

    def test_methods(self, socket_program: Program) -> None:
        socket_program.graft(app_of(self.where))
        reply = socket_program.ask("DELETE", "/api/")
        assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
        assert socket_program.ask("OPTIONS", "/api/").status == 204

    def test_urls(self, socket_program: Program) -> None:
        app = App()
        app.get("/rooms/{number}", name="room")(lambda request, number: request.url_for("room", number="a b"))
        socket_program.serve(tree(**{"an api": graft(app)}))
        assert socket_program.get("/an%20api/rooms/7").text == "/an%20api/rooms/a%20b"

    def test_urls_in_what_is_mounted(self, socket_program: Program) -> None:
        inner, app = App(), App()
        inner.get("/{number}", name="room")(lambda request, number: request.url_for("room", number=8))
        app.mount("/sea", inner)
        app.mount("/city", inner, name="city")
        socket_program.serve(tree(api=graft(app)))
        assert socket_program.get("/api/city/7").text == "/api/city/8"

    def test_pages_and_static_files(self, socket_program: Program, tmp_path: Path) -> None:
        (tmp_path / "a.css").write_text("a {}")
        page = "{{ url_for('page') }} {{ static_url('a.css') }}"
        app = App(templates=Templates(DictLoader({"page.html": page, "errors/404.html": "missing"})))
        app.get("/page", name="page")(lambda request: render("page.html"))
        app.mount("/static", Static(tmp_path))
        socket_program.serve(tree(**{"an api": graft(app)}))
        path, url = socket_program.get("/an%20api/page").text.split()
        assert (path, url.startswith("/an%20api/static/a.")) == ("/an%20api/page", True)
        style = socket_program.get(url)
        assert (style.text, "immutable" in style.headers["cache-control"]) == ("a {}", True)

    def test_the_route(self, socket_program: Program) -> None:
        app = App()
        app.get("/rooms/{number}")(lambda request, number: str(request.route))
        app.error(404)(lambda request, error: str(request.route))
        socket_program.serve(tree(**{"an api": graft(app)}))
        assert socket_program.get("/an%20api/rooms/7").text == "/an%20api/rooms/{number}"
        assert socket_program.get("/an%20api/none").text == "None"

    def test_in_klein(self, socket_program: Program) -> None:
        klein = Klein()
        grafted = graft(app_of(self.where))

        @klein.route("/api/", branch=True)
        def api(request: Any) -> Any:
            return grafted

        socket_program.serve(tree(klein=klein.resource()))
        assert socket_program.get("/klein/api/").text == "['klein', 'api', ''] []"
        assert socket_program.get("/klein/api/nothing").status == 404

    def test_below_a_resource_that_rewrites_paths(self, socket_program: Program) -> None:
        """`VHostMonsterResource` takes the host and port from the path, where proxies put them."""
        monster = VHostMonsterResource()
        socket_program.serve(tree(vhost=monster, api=graft(app_of(self.where))))
        assert socket_program.get("/vhost/http/example.com/api/").text == "['api', ''] []"

    def test_a_path_that_is_not_utf8(self, socket_program: Program) -> None:
        socket_program.graft(App())
        assert socket_program.get("/api/%ff").status == 400


class TestErrors:
    def test_a_site_that_the_engine_does_not_serve(self, log: Log) -> None:
        site = Site(tree(api=graft(App())), reactor=Clock())
        protocol = site.buildProtocol(None)
        transport = StringTransport()
        protocol.makeConnection(transport)
        protocol.dataReceived(b"GET /api/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert transport.value().startswith(b"HTTP/1.1 500 ")
        text = str(log[0]["log_failure"].value)
        assert text.startswith("RW730 An app is grafted onto a tree whose site the engine does not serve: ")
        assert "Serve the site with `ropewalk.dropin.accelerate(site)`" in text

    def test_a_request_without_channel(self) -> None:
        class Request:
            method = b"GET"

        with pytest.raises(Exception, match="RW730"):
            graft(App()).render(Request())

    def test_in_a_mounted_tree(self, log: Log) -> None:
        assert Client(mount(tree(api=graft(App()))), raise_errors=False).get("/legacy/api/").status == 500
        assert "RW731" in log.text

    def test_a_transport_for_tests(self) -> None:
        site = Site(tree(api=graft(app_of(lambda request: "hello"))), reactor=Clock())
        channel = accelerate(site).buildProtocol(None)
        transport = StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(b"GET /api/ HTTP/1.1\r\nHost: a\r\n\r\n")
        assert transport.value().endswith(b"\r\n\r\nhello")

    @pytest.mark.parametrize(
        ("overridden", "code"),
        [("writeHeaders", "RW742"), ("lineReceived", "RW730"), ("allHeadersReceived", None)],
    )
    def test_a_channel_with_overrides(self, log: Log, overridden: str, code: str | None) -> None:
        def override(self: Any, *args: Any) -> Any:
            return base(self, *args)

        base = getattr(HTTPChannel, overridden)
        site = Site(tree(api=graft(app_of(lambda request: "hello"))), reactor=Clock())
        site.protocol = type("Own", (HTTPChannel,), {overridden: override})  # type: ignore[method-assign]
        channel: Any = site.buildProtocol(None)
        transport = StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(b"GET /api/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        if code is None:
            assert transport.value().endswith(b"\r\n\r\nhello")
        else:
            assert transport.value().startswith(b"HTTP/1.1 500 ")
            (error,) = (str(event["log_failure"].value) for event in log if "log_failure" in event)
            assert error.startswith(code)
            assert overridden in error

    def test_an_object_that_is_not_an_app(self) -> None:
        with pytest.raises(TreeError, match="RW105"):
            graft("a string")

    def test_a_resource_of_twisted(self) -> None:
        with pytest.raises(
            TreeError, match=r"RW105 .*Data, is a resource of twisted.web already\. Put the resource into the tree"
        ):
            graft(Data(b"", "text/plain"))

    def test_an_app_that_trusts_proxies(self) -> None:
        with pytest.raises(StartError, match="RW404"):
            graft(App(proxies=TrustedProxies(["127.0.0.1"], headers="x-forwarded")))

    def test_around_a_request_that_is_not_grafted(self) -> None:
        app = app_of(lambda request: repr(around(request)))
        assert Client(app).get("/").text == "None"
