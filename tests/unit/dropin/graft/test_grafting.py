"""Graft apps and resources of Ropewalk onto trees of twisted.web."""

from typing import Any

import pytest
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
from ropewalk.testing import Client


class TestPlaces:
    def where(self, request: Request) -> str:
        return f"{request.prepath} {request.postpath}"

    def test_it_is_a_resource_of_twisteds(self) -> None:
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

    def test_at_the_root(self, one: Program) -> None:
        app = App()
        app.get("/")(self.where)
        app.get("/a")(self.where)
        one.serve(graft(app))
        assert one.get("/").text == "[''] []"
        assert one.get("/a").text == "['a'] []"

    def test_a_leaf(self, one: Program) -> None:
        class Rest(Resource):
            isLeaf = True

            def render_GET(leaf, request: Request) -> str:
                return self.where(request)

        root = Resource()
        root.putChild("rest", Rest())
        one.serve(tree(deep=tree(api=graft(root))))
        assert one.get("/deep/api/rest/a%2Fb/%C3%BC").text == "['deep', 'api', 'rest'] ['a/b', 'ü']"

    def test_slashes(self, one: Program) -> None:
        one.graft(app_of(self.where))
        reply = one.get("/api")
        assert (reply.status, reply.headers["location"]) == (308, "/api/")

    def test_methods(self, one: Program) -> None:
        one.graft(app_of(self.where))
        reply = one.ask("DELETE", "/api/")
        assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
        assert one.ask("OPTIONS", "/api/").status == 204

    def test_urls(self, one: Program) -> None:
        app = App()
        app.get("/rooms/{number}", name="room")(lambda request, number: request.url_for("room", number="a b"))
        one.serve(tree(**{"an api": graft(app)}))
        assert one.get("/an%20api/rooms/7").text == "/an%20api/rooms/a%20b"

    def test_in_klein(self, one: Program) -> None:
        klein = Klein()
        grafted = graft(app_of(self.where))

        @klein.route("/api/", branch=True)
        def api(request: Any) -> Any:
            return grafted

        one.serve(tree(klein=klein.resource()))
        assert one.get("/klein/api/").text == "['klein', 'api', ''] []"
        assert one.get("/klein/api/nothing").status == 404

    def test_behind_what_rewrites_paths(self, one: Program) -> None:
        """As proxies do that name the host and port in the path."""
        monster = VHostMonsterResource()
        one.serve(tree(vhost=monster, api=graft(app_of(self.where))))
        assert one.get("/vhost/http/example.com/api/").text == "['api', ''] []"

    def test_a_path_that_is_not_utf8(self, one: Program) -> None:
        one.graft(App())
        assert one.get("/api/%ff").status == 400


class TestElsewhere:
    def test_a_site_that_the_engine_does_not_serve(self, log: Log) -> None:
        site = Site(tree(api=graft(App())), reactor=Clock())
        protocol = site.buildProtocol(None)
        transport = StringTransport()
        protocol.makeConnection(transport)
        protocol.dataReceived(b"GET /api/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert transport.value().startswith(b"HTTP/1.1 500 ")
        text = str(log[0]["log_failure"].value)
        assert text.startswith("RW730 An app is grafted upon a tree whose site the engine does not serve: ")
        assert "Serve it by `ropewalk.dropin.accelerate(site)`" in text

    def test_a_request_of_nothing(self) -> None:
        class Request:
            method = b"GET"

        with pytest.raises(Exception, match="RW730"):
            graft(App()).render(Request())

    def test_in_a_mounted_tree(self, log: Log) -> None:
        assert Client(mount(tree(api=graft(App())))).get("/legacy/api/").status == 500
        assert "RW731" in log.text

    def test_a_transport_of_a_tests(self) -> None:
        site = Site(tree(api=graft(app_of(lambda request: "hello"))), reactor=Clock())
        channel = accelerate(site).buildProtocol(None)
        transport = StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(b"GET /api/ HTTP/1.1\r\nHost: a\r\n\r\n")
        assert transport.value().endswith(b"\r\n\r\nhello")

    @pytest.mark.parametrize(
        ("overridden", "told"),
        [("writeHeaders", "RW742"), ("lineReceived", "RW730"), ("allHeadersReceived", None)],
    )
    def test_a_channel_with_overrides(self, log: Log, overridden: str, told: str | None) -> None:
        def override(self: Any, *args: Any) -> Any:
            return base(self, *args)

        base = getattr(HTTPChannel, overridden)
        site = Site(tree(api=graft(app_of(lambda request: "hello"))), reactor=Clock())
        site.protocol = type("Own", (HTTPChannel,), {overridden: override})  # type: ignore[method-assign]
        channel: Any = site.buildProtocol(None)
        transport = StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(b"GET /api/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        if told is None:
            assert transport.value().endswith(b"\r\n\r\nhello")
        else:
            assert transport.value().startswith(b"HTTP/1.1 500 ")
            (error,) = (str(event["log_failure"].value) for event in log if "log_failure" in event)
            assert error.startswith(told)
            assert overridden in error

    def test_what_is_not_ours(self) -> None:
        with pytest.raises(TreeError, match="RW105"):
            graft("a string")

    def test_what_is_twisted_s_already(self) -> None:
        with pytest.raises(
            TreeError, match=r"RW105 .*Data, is a resource of twisted.web already\. Put it into the tree"
        ):
            graft(Data(b"", "text/plain"))

    def test_proxies_would_not_count(self) -> None:
        with pytest.raises(StartError, match="RW404"):
            graft(App(proxies=TrustedProxies(["127.0.0.1"], headers="x-forwarded")))

    def test_around_nothing(self) -> None:
        app = app_of(lambda request: repr(around(request)))
        assert Client(app).get("/").text == "None"
