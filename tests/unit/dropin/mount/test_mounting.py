"""Resources of twisted.web in the tree of an app."""

import os
import xmlrpc.client
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from klein import Klein
from tests.unit.conftest import Log
from tests.unit.dropin.mounts import Leaf, mount, shown, tree
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred
from twisted.web.guard import BasicCredentialFactory, HTTPAuthSessionWrapper
from twisted.web.resource import EncodingResourceWrapper, IResource
from twisted.web.resource import Resource as TwistedResource
from twisted.web.script import PythonScript
from twisted.web.server import GzipEncoderFactory
from twisted.web.server import Site as TwistedSite
from twisted.web.static import Data, File
from twisted.web.util import DeferredResource, Redirect
from twisted.web.vhost import NameVirtualHost
from twisted.web.wsgi import WSGIResource
from zope.interface import implementer

from ropewalk import Request, Resource, Response, Site
from ropewalk.dropin import around, mounted
from ropewalk.errors import HandlerError, TreeError
from ropewalk.middleware import Next
from ropewalk.testing import Client
from ropewalk.waiting import call_soon


class TestArguments:
    @pytest.mark.parametrize("limit", [-1, 1.5, "1MB", True])
    def test_a_malformed_limit(self, limit: Any) -> None:
        with pytest.raises(HandlerError, match=f"RW271 mounted has the invalid value body_limit={limit!r} "):
            mounted(Leaf(lambda _: b""), body_limit=limit)

    @pytest.mark.parametrize(
        ("root", "remedy"),
        [
            (TwistedSite, "Pass an instance of the class: Site(...)."),
            (TwistedResource, "Pass an instance of the class: Resource(...)."),
            (TwistedSite(TwistedResource(), reactor=object()), "Pass its `resource` attribute."),
            (Resource(), "Mount it directly."),
            ("folder", "To serve a folder, pass Files(path)."),
        ],
        ids=["site class", "resource class", "site", "ours", "path"],
    )
    def test_an_object_that_is_not_a_resource_of_twisted_web(self, root: Any, remedy: str) -> None:
        with pytest.raises(TreeError) as caught:
            mounted(root)
        assert str(caught.value).startswith("RW105 ")
        assert str(caught.value).endswith(remedy)


class TestPlaces:
    def where(self, request: Any) -> bytes:
        return shown(request.prepath, request.postpath)

    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("/legacy", ([b"legacy"], [])),
            ("/legacy/", ([b"legacy"], [b""])),
            ("/legacy/a%2Fb/c%C3%BC?d=/", ([b"legacy"], [b"a/b", "cü".encode()])),
        ],
    )
    def test_by_mount(self, path: str, expected: Any) -> None:
        client = Client(mount(self.where))
        for _ in range(2):  # the second request uses the cached route
            assert client.get(path).body == shown(*expected)

    def test_at_the_root(self) -> None:
        app = mount(self.where, "/")
        assert Client(app).get("/").body == shown([], [b""])
        assert Client(app).get("/a/b").body == shown([], [b"a", b"b"])

    def test_routes_of_the_app_come_first(self) -> None:
        app = mount(self.where, "/")
        app.get("/a")(lambda request: "ours")
        assert Client(app).get("/a").text == "ours"
        assert Client(app).get("/a/b").body == shown([], [b"a", b"b"])

    def test_children_of_a_resource_of_twisted_web(self) -> None:
        client = Client(mount(tree(deep=tree(leaf=self.where))))
        assert client.get("/legacy/deep/leaf/rest").body == shown([b"legacy", b"deep", b"leaf"], [b"rest"])
        assert client.get("/legacy/deep/none").status == 404

    def test_by_putChild(self) -> None:
        root = Resource()
        root.putChild("legacy", Leaf(self.where))
        assert Client(root).get("/legacy/x").body == shown([b"legacy"], [b"x"])

    def test_by_getChild(self) -> None:
        class Parent(Resource):
            def getChild(parent, name: str, request: Request) -> Any:
                return Leaf(self.where)

        assert Client(Parent()).get("/any/x").body == shown([b"any"], [b"x"])

    def test_in_a_site(self) -> None:
        assert Client(Site(tree(a=self.where))).get("/a/b").body == shown([b"a"], [b"b"])

    def test_below_a_parameter(self) -> None:
        assert Client(mount(self.where, "/users/{id:int}/files")).get("/users/7/files/a").body == shown(
            [b"users", b"7", b"files"], [b"a"]
        )

    def test_links(self) -> None:
        def links(request: Any) -> bytes:
            return shown(request.sibLink(b"s"), request.childLink(b"c"))

        client = Client(mount(tree(page=links)))
        assert client.get("/legacy/page").body == shown(b"s", b"page/c")
        assert client.get("/legacy/page/").body == shown(b"../s", b"c")
        assert client.get("/legacy/page/a/b").body == shown(b"../../s", b"../c")

    def test_urls(self) -> None:
        class Root(TwistedResource):
            def getChild(self, name: bytes, request: Any) -> TwistedResource:
                request.rememberRootURL()
                return Leaf(lambda request: shown(request.prePathURL(), str(request.URLPath()), request.getRootURL()))

        body = Client(mount(Root())).get("/legacy/page/more", headers={"host": "example.com"}).body
        page = "http://example.com/legacy/page"
        assert body == shown(page.encode(), page, b"http://example.com/legacy")

    def test_by_tls(self) -> None:
        app = mount(lambda request: shown(request.isSecure(), request.getHost().port))
        assert Client(app, secure=True).get("/legacy").body == shown(True, 80)

    def test_the_table_of_routes(self) -> None:
        app = mount(File("."), "/files")
        app.mount("/tree", tree())
        names = {route.path: route.name for route in app.routes()}
        assert names == {"/files/{...}": "File.render_GET", "/tree/{...}": "Resource"}

    def test_the_request_line(self) -> None:
        def asked(request: Any) -> bytes:
            return shown(request.method, request.uri, request.path, request.args, request.clientproto)

        expected = shown(b"GET", b"/legacy/x?a=1&a=2", b"/legacy/x", {b"a": [b"1", b"2"]}, b"HTTP/1.1")
        assert Client(mount(asked)).get("/legacy/x?a=1&a=2").body == expected

    def test_the_client_address(self) -> None:
        def who(request: Any) -> bytes:
            return shown(request.getClientAddress().host, request.getHeader("x-a"), request.getCookie(b"c"))

        response = Client(mount(who)).get("/legacy", headers={"X-A": "b", "Cookie": "c=d"})
        assert response.body == shown("127.0.0.1", "b", b"d")

    def test_the_request_of_the_app(self) -> None:
        app = mount(lambda request: around(request).state.user.encode())

        @app.middleware
        async def log_in(request: Request, next: Next) -> Response:
            request.state.user = "ada"
            return await next(request)

        assert Client(app).get("/legacy").text == "ada"


class TestFiles:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "small.txt").write_bytes(b"hello")
        (tmp_path / "large.bin").write_bytes(bytes(range(256)) * 4000)
        (tmp_path / "deep").mkdir()
        (tmp_path / "deep" / "index.html").write_bytes(b"<p>index")
        return tmp_path

    def test_small(self, folder: Path, fetch: Any) -> None:
        response = fetch(File(str(folder)), path="/legacy/small.txt")
        assert (response.body, response.headers["content-type"]) == (b"hello", "text/plain")
        assert response.headers["content-length"] == "5"

    def test_large(self, folder: Path, fetch: Any) -> None:
        response = fetch(File(str(folder)), path="/legacy/large.bin")
        assert response.body == bytes(range(256)) * 4000
        assert response.headers["content-length"] == "1024000"

    @pytest.mark.parametrize("name", ["small.txt", "large.bin"])
    def test_head(self, folder: Path, fetch: Any, name: str) -> None:
        response = fetch(File(str(folder)), "HEAD", f"/legacy/{name}")
        assert (response.headers["content-length"], response.body) == (str((folder / name).stat().st_size), b"")

    def test_ranges(self, folder: Path, fetch: Any) -> None:
        response = fetch(File(str(folder)), path="/legacy/small.txt", headers={"range": "bytes=1-3"})
        assert (response.status, response.body, response.headers["content-range"]) == (206, b"ell", "bytes 1-3/5")

    def test_not_modified(self, folder: Path, fetch: Any) -> None:
        # The file must not have changed in the current second, because twisted.web would treat it as newer.
        os.utime(folder / "small.txt", (1_000_000_000, 1_000_000_000))
        response = fetch(File(str(folder)), path="/legacy/small.txt")
        since = {"if-modified-since": response.headers["last-modified"]}
        assert fetch(File(str(folder)), path="/legacy/small.txt", headers=since).status == 304

    def test_a_folder(self, folder: Path, fetch: Any) -> None:
        response = fetch(File(str(folder)), path="/legacy/deep")
        assert (response.status, response.headers["location"]) == (302, "/legacy/deep/")
        assert fetch(File(str(folder)), path="/legacy/deep/").body == b"<p>index"

    def test_a_missing_file(self, folder: Path, fetch: Any) -> None:
        assert fetch(File(str(folder)), path="/legacy/nothing").status == 404


class TestWrappers:
    """Resources of twisted.web and Klein that wrap or replace others."""

    def test_klein(self, fetch: Any) -> None:
        klein = Klein()

        @klein.route("/<int:number>", branch=False)
        def item(request: Any, number: int) -> str:
            return f"item {number}"

        @klein.route("/later")
        async def later(request: Any) -> str:
            soon: Deferred[str] = Deferred()
            call_soon(soon.callback, "later")
            return await soon

        @klein.route("/where/", branch=True)
        def where(request: Any) -> Any:
            return Leaf(lambda request: shown(request.prepath, request.postpath))

        assert fetch(klein.resource(), path="/legacy/7").text == "item 7"
        assert fetch(klein.resource(), path="/legacy/7").headers["content-length"] == "6"
        assert fetch(klein.resource(), path="/legacy/later").text == "later"
        assert fetch(klein.resource(), path="/legacy/nothing").status == 404

    def test_guard(self, fetch: Any) -> None:
        @implementer(IRealm)
        class Realm:
            def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
                return IResource, Leaf(lambda request: b"hello " + avatarId), lambda: None

        users = InMemoryUsernamePasswordDatabaseDontUse(ada=b"secret")
        guarded = HTTPAuthSessionWrapper(Portal(Realm(), [users]), [BasicCredentialFactory(b"legacy")])
        response = fetch(guarded, path="/legacy/a")
        assert (response.status, response.headers["www-authenticate"]) == (401, 'basic realm="legacy"')
        credentials = {"authorization": "Basic YWRhOnNlY3JldA=="}
        assert fetch(guarded, path="/legacy/a", headers=credentials).body == b"hello ada"

    def test_wsgi(self, fetch: Any) -> None:
        def application(environ: Any, start_response: Any) -> Any:
            start_response("200 OK", [("Content-Type", "text/plain")])
            names = ("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "SERVER_PROTOCOL", "wsgi.url_scheme")
            return [repr([environ[name] for name in names]).encode(), environ["wsgi.input"].read()]

        inline: Any = InlineReactor()
        resource = WSGIResource(inline, inline, application)
        response = fetch(resource, "POST", "/legacy/a%20b?c=d", body=b"body")
        assert response.text == "['/legacy', '/a b', 'c=d', 'HTTP/1.1', 'http']body"

    def test_a_deferred_resource(self, fetch: Any) -> None:
        class Slow(TwistedResource):
            def getChild(self, name: bytes, request: Any) -> Any:
                found: Deferred[Any] = Deferred()
                call_soon(found.callback, Leaf(lambda request: shown(request.postpath)))
                return DeferredResource(found)

        assert fetch(Slow(), path="/legacy/a/b").body == shown([b"b"])

    def test_an_encoder(self, fetch: Any) -> None:
        wrapped = EncodingResourceWrapper(Data(b"hello", "text/plain"), [GzipEncoderFactory()])
        response = fetch(wrapped, headers={"accept-encoding": "gzip"})
        assert response.headers["content-encoding"] == "gzip"
        assert response.body == b"hello"  # decoded by the test client
        assert response.encoded_size > len(response.body)  # the frame of gzip is larger than five bytes

    def test_hosts_by_name(self, fetch: Any) -> None:
        hosts = NameVirtualHost()
        hosts.addHost(b"example.com", tree(a=lambda request: shown(request.prepath, request.postpath)))
        response = fetch(hosts, path="/legacy/a/b", headers={"host": "example.com:80"})
        assert response.body == shown([b"legacy", b"a"], [b"b"])
        assert fetch(hosts, path="/legacy/a", headers={"host": "example.org"}).status == 404

    # twisted.web's XMLRPC uses its own deprecated HTTPClient.
    @pytest.mark.filterwarnings("ignore:twisted.web.http.HTTPClient:DeprecationWarning")
    def test_xmlrpc(self, fetch: Any) -> None:
        from twisted.web.xmlrpc import XMLRPC

        class Adder(XMLRPC):
            def xmlrpc_add(self, one: int, other: int) -> Deferred[int]:
                soon: Deferred[int] = Deferred()
                call_soon(soon.callback, one + other)
                return soon

        response = fetch(Adder(), "POST", body=xmlrpc.client.dumps((2, 3), "add"))
        assert xmlrpc.client.loads(response.body) == ((5,), None)
        assert response.headers["content-type"] == "text/xml; charset=utf-8"

    def test_a_redirect(self, fetch: Any) -> None:
        response = fetch(Redirect(b"/elsewhere"))
        assert (response.status, response.headers["location"]) == (302, "/elsewhere")

    def test_a_script(self, tmp_path: Path, fetch: Any) -> None:
        (tmp_path / "page.rpy").write_text("request.write(b'from a script')")
        response = fetch(PythonScript(str(tmp_path / "page.rpy"), None))
        assert response.text == "from a script"


class InlineReactor:
    """A reactor and a thread pool whose calls run at once, in the calling thread."""

    def callInThread(self, call: Callable[..., None], *args: Any) -> None:
        call(*args)

    def callFromThread(self, call: Callable[..., None], *args: Any) -> None:
        call(*args)


class TestSessions:
    def count(self, request: Any) -> bytes:
        session = request.getSession()
        session.count = getattr(session, "count", 0) + 1
        return shown(session.count)

    def cookie(self, response: Any) -> dict[str, str]:
        return {"cookie": response.headers["set-cookie"].split(";")[0]}

    def test_all_mounted_resources_share_a_session(self) -> None:
        app = mount(self.count, "/one")
        app.mount("/two", tree(deep=self.count))
        client = Client(app)
        response = client.get("/one")
        assert response.body == shown(1)
        cookie = self.cookie(response)
        assert client.get("/two/deep", headers=cookie).body == shown(2)
        assert "set-cookie" not in client.get("/one", headers=cookie).headers

    def test_resources_that_are_made_for_each_request_share_a_session(self) -> None:
        class Parent(Resource):
            def getChild(parent, name: str, request: Request) -> Any:
                return Leaf(self.count)

        client = Client(Parent())
        cookie = self.cookie(client.get("/a"))
        assert client.get("/b", headers=cookie).body == shown(2)

    def test_apps_do_not_share_sessions(self) -> None:
        cookie = self.cookie(Client(mount(self.count)).get("/legacy"))
        assert Client(mount(self.count)).get("/legacy", headers=cookie).body == shown(1)

    def test_by_tls(self) -> None:
        response = Client(mount(self.count), secure=True).get("/legacy")
        assert response.headers["set-cookie"].startswith("TWISTED_SECURE_SESSION=")


class Posting(TwistedResource):
    isLeaf = True

    def render_POST(self, request: Any) -> bytes:
        raise KeyError("lost")


class Rendering(TwistedResource):
    isLeaf = True

    def render(self, request: Any) -> bytes:
        return b""


class Limited(Rendering):
    allowedMethods = (b"GET", b"PUT")


class Making(TwistedResource):
    def getChild(self, path: bytes, request: Any) -> TwistedResource:
        return Posting()


ANY = ["*"]


class TestMethods:
    """The methods that are listed for a resource, if they are known in advance."""

    @pytest.mark.parametrize(
        ("make", "methods"),
        [
            (lambda: File("."), ["GET", "HEAD"]),
            (lambda: Data(b"", "text/plain"), ["GET", "HEAD"]),
            (Posting, ["POST"]),
            (Rendering, ANY),
            (Limited, ["GET", "PUT"]),
            (Making, ANY),
            (TwistedResource, ANY),
            (lambda: tree(a=Posting(), b=File(".")), ["GET", "HEAD", "POST"]),
            (lambda: tree(a=Posting(), b=Making()), ANY),
        ],
    )
    def test_listed(self, make: Callable[[], Any], methods: list[str]) -> None:
        assert [route.method for route in mount(make()).routes()] == methods

    def test_the_methods_of_processed_files_are_not_known(self) -> None:
        root = File(".")
        root.processors = {".rpy": PythonScript}  # type: ignore[dict-item]
        assert [route.method for route in mount(root).routes()] == ANY

    def test_a_tree_that_grows(self) -> None:
        root = tree(a=File("."))
        app = mount(root)
        assert [route.method for route in app.routes()] == ["GET", "HEAD"]
        root.putChild(b"b", Posting())
        assert [route.method for route in app.routes()] == ["GET", "HEAD", "POST"]

    def test_methods_that_are_not_listed_reach_twisted(self) -> None:
        assert Client(mount(Rendering())).delete("/legacy").status == 200
        assert Client(mount(Posting())).delete("/legacy").status == 501  # Twisted's response


class TestFailures:
    def test_the_log_names_the_function_and_the_mount(self, log: Log) -> None:
        line = Posting.render_POST.__code__.co_firstlineno
        Client(mount(tree(a=tree(b=Posting())), "/old/legacy"), raise_errors=False).post("/old/legacy/a/b")
        who = f"Posting.render_POST at tests/unit/dropin/mount/test_mounting.py:{line}, mounted at /old/legacy"
        assert f"RW208 POST /old/legacy/a/b: {who} raised KeyError('lost')." in log.text

    def test_the_log_names_both_inside_middleware(self, log: Log) -> None:
        async def passing(request: Request, next: Next) -> Response:
            return await next(request)

        Client(mount(Posting(), middleware=[passing]), raise_errors=False).post("/legacy")
        assert "Posting.render_POST at tests/unit/dropin/mount/test_mounting.py:" in log.text

    def test_an_exception_of_twisted(self, log: Log) -> None:
        class Odd(Data):
            """A subclass of twisted.web's Data, which fails because its value is not bytes."""

        Client(mount(Odd(5, "text/plain")), raise_errors=False).get("/legacy")
        assert "RW208 GET /legacy: " in log.text
        assert "mounted at /legacy raised" in log.text
        with pytest.raises(TypeError, match="has no len"):
            Client(mount(Odd(5, "text/plain"))).get("/legacy")
