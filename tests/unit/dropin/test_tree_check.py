"""Objects that `accelerate` cannot serve, and apps in a tree of twisted.web without `graft`."""

from typing import Any

import pytest
from tests.unit.conftest import Log
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.protocols.policies import WrappingFactory
from twisted.web.http import HTTPChannel as StockChannel
from twisted.web.resource import Resource as TwistedResource
from twisted.web.server import Site as TwistedSite

from ropewalk import App, Resource, Site
from ropewalk.dropin import HTTPChannel, Request, accelerate, replace
from ropewalk.errors import TreeError


class Greeting(Resource):
    def render_GET(self, request: Any) -> str:
        return "hello"


def site(root: Any) -> TwistedSite:
    made = TwistedSite(root, reactor=MemoryReactorClock(), requestFactory=Request)
    made.displayTracebacks = False
    return made


def with_child(child: Any) -> TwistedResource:
    root = TwistedResource()
    below = TwistedResource()
    root.putChild(b"a", below)
    below.putChild(b"b", child)
    return root


class MakingChildren(TwistedResource):
    def __init__(self, child: Any) -> None:
        super().__init__()
        self.child = child

    def getChild(self, path: bytes, request: Any) -> Any:
        return self.child


class TestUnfitFactories:
    @pytest.mark.parametrize(
        ("thing", "remedy"),
        [
            (Site(Resource()), "The engine already serves a ropewalk.Site. Listen with it unchanged."),
            (App(), "Serve it with ropewalk.Site(...), without `accelerate`."),
            (Resource(), "Serve it with ropewalk.Site(...), without `accelerate`."),
            (TwistedResource(), "Make a Site of it: twisted.web.server.Site(...)."),
            (WrappingFactory(site(TwistedResource())), "Call `accelerate` with the wrapped Site, before you wrap it."),
            (Factory(), "Give a twisted.web.server.Site, or another HTTPFactory."),
            (TwistedSite, "Give a twisted.web.server.Site, or another HTTPFactory."),
        ],
        ids=["our site", "app", "our resource", "resource", "wrapped", "factory", "class"],
    )
    def test_an_object_that_is_not_a_factory(self, thing: Any, remedy: str) -> None:
        with pytest.raises(TypeError) as caught:
            accelerate(thing)
        assert str(caught.value).startswith("RW757 ")
        assert str(caught.value).endswith(f"is not a twisted.web.http.HTTPFactory. {remedy}")

    def test_the_endpoint_prefix(self) -> None:
        factory = site(TwistedResource())
        factory.protocol = type("Foreign", (StockChannel,), {})  # type: ignore[method-assign]
        listening = serverFromString(MemoryReactorClock(), "ropewalk:tcp:80").listen(factory)
        failures: list[Any] = []
        listening.addErrback(failures.append)
        assert str(failures[0].value).startswith("RW757 ")


class TestWithoutGraft:
    @pytest.mark.parametrize("thing", [App(), Greeting()], ids=["app", "resource"])
    @pytest.mark.parametrize(
        ("make", "place"), [(lambda thing: thing, "/"), (with_child, "/a/b")], ids=["root", "child"]
    )
    def test_accelerate_raises(self, thing: Any, make: Any, place: str) -> None:
        with pytest.raises(TreeError, match=rf"RW758 .* twisted\.web, at {place}, .*graft"):
            accelerate(site(make(thing)))

    def test_a_tree_with_a_circle(self) -> None:
        root = TwistedResource()
        root.putChild(b"a", root)
        accelerate(site(root))

    def test_the_replaced_putChild_raises(self) -> None:
        with replace(channel=None, listening=False), pytest.raises(TreeError, match="RW758 .*, as the child b'api', "):
            TwistedResource().putChild(b"api", App())  # type: ignore[arg-type]

    @pytest.mark.parametrize("thing", [App(), Greeting()], ids=["app", "resource"])
    @pytest.mark.parametrize(
        ("make", "place"),
        [(lambda thing: thing, "at /"), (with_child, "at /a/b")],
        ids=["root", "child"],
    )
    @pytest.mark.parametrize("path", ["/a/b", "/a/b/", "/a/b/c"])
    def test_a_request_logs_the_error(self, thing: Any, make: Any, place: str, path: str, log: Log) -> None:
        assert f"twisted.web, {place}, " in self.logged(site(make(thing)), path, log)

    @pytest.mark.parametrize("path", ["/a", "/a/"])
    def test_an_app_that_getChild_returns(self, path: str, log: Log) -> None:
        assert "made by a `getChild`" in self.logged(site(MakingChildren(App())), path, log)

    def test_another_error_is_logged_unchanged(self, log: Log) -> None:
        class Wrong(TwistedResource):
            isLeaf = True

            def render_GET(self, request: Any) -> bytes:
                return App().nothing  # type: ignore[attr-defined, no-any-return]

        self.request(site(Wrong()), "/")
        (error,) = (event["log_failure"].value for event in log if "log_failure" in event)
        assert isinstance(error, AttributeError)

    def logged(self, factory: TwistedSite, path: str, log: Log) -> str:
        self.request(factory, path)
        (error,) = (str(event["log_failure"].value) for event in log if "log_failure" in event)
        assert error.startswith("RW758 ")
        return error

    def request(self, factory: TwistedSite, path: str) -> None:
        channel = HTTPChannel()
        channel.site = channel.factory = factory
        channel.requestFactory = factory.requestFactory
        transport = StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        assert transport.value().startswith(b"HTTP/1.1 500 ")
