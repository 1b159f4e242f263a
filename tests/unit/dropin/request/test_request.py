"""Our request compared with Twisted's: the same bytes, attributes, calls of the channel, and log events."""

import re
from functools import partial
from io import StringIO
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.dropin.request.channels import (
    HOST,
    PEER,
    Channel,
    Head,
    RespondingChannel,
    Way,
    by_engine,
    by_lazy_headers,
    by_twisted,
)
from tests.unit.dropin.request.scenes import SCENES, Page, Scene, raising
from tests.versions import needs_form_switch
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent
from twisted.python import reflect
from twisted.python.failure import Failure
from twisted.web import http, server
from twisted.web.iweb import IRequest
from twisted.web.server import Request as Stock
from twisted.web.server import Site
from zope.interface.verify import verifyObject

from ropewalk.dropin.request import dates
from ropewalk.dropin.request import request as request_module
from ropewalk.dropin.request.dates import DateLine, date_now
from ropewalk.dropin.request.headers import ReceivedHeaders
from ropewalk.dropin.request.lazy_attribute import Lazy
from ropewalk.dropin.request.lazy_check import can_replace
from ropewalk.dropin.request.lazy_request import LazyRequest
from ropewalk.dropin.request.lenient import LenientRequest
from ropewalk.dropin.request.request import Request

WAYS = [by_twisted, by_lazy_headers, by_engine]

ATTRIBUTES = [
    "_adapterCache",
    "_disconnected",
    "_inFakeHead",
    "appRootURL",
    "args",
    "chunked",
    "client",
    "clientproto",
    "code",
    "code_message",
    "cookies",
    "defaultContentType",
    "etag",
    "finished",
    "fired",
    "host",
    "lastModified",
    "method",
    "notifications",
    "path",
    "postpath",
    "prepath",
    "producer",
    "queued",
    "raised",
    "received_cookies",
    "sentLength",
    "sitepath",
    "startedWriting",
    "uri",
    "warned",
]


def play(scene: Scene, base: Any, way: Way, log: Log) -> dict[str, Any]:
    """Return everything that can be observed of a scene with a request of a class."""
    log.clear()
    site = scene.make_site()
    request, channel = way(scene.sub(base), site, scene.headers, scene.body)
    escaped = None
    try:
        request.requestReceived(scene.method, scene.path, scene.version)
    except RuntimeError as error:
        escaped = str(error)
    scene.then(request)
    return {
        "escaped": escaped,
        **{name: getattr(request, name, "nothing") for name in ATTRIBUTES},
        "written": without_address(channel.written.decode("latin-1")),
        "calls": channel.calls,
        "log": [line_of(event) for event in log],
        "channel": "present"
        if getattr(request, "channel", "deleted") is channel
        else getattr(request, "channel", "deleted"),
        "site": request.site is site,
        "transport": request.transport is channel.transport,
        "content": None if request.content is None else (type(request.content), request.content.closed),
        "requestHeaders": list(request.requestHeaders.getAllRawHeaders()),
        "responseHeaders": list(request.responseHeaders.getAllRawHeaders()),
        "text": without_address(repr(request)),
    }


def line_of(event: LogEvent) -> str:
    failure = event.get("log_failure")
    return without_address(formatEvent(event)) if failure is None else repr((failure.type, str(failure.value)))


def without_address(text: str) -> str:
    return re.sub("0x[0-9a-f]+", "0x", text)


@pytest.fixture(autouse=True)
def _fixed_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "datetimeToString", lambda: b"Thu, 01 Jan 1970 00:00:00 GMT")


class TestLikeTwisted:
    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("base", [Request, LenientRequest])
    @pytest.mark.parametrize(
        "scene",
        [scene if scene.parse else pytest.param(scene, marks=needs_form_switch) for scene in SCENES],
        ids=lambda scene: scene.name,
    )
    def test_everything_is_equal(self, scene: Scene, base: Any, way: Way, log: Log) -> None:
        expected = play(scene, Stock, by_twisted, log)
        actual = play(scene, base, way, log)
        assert expected == actual

    @pytest.mark.parametrize("base", [Stock, Request])
    def test_a_traceback_for_the_client(self, base: Any, log: Log) -> None:
        request, channel = received(base, raising, displayTracebacks=True)
        assert b"web.Server Traceback (most recent call last)" in channel.written
        assert b"ValueError" in channel.written
        assert (request.code, len(log)) == (500, 1)

    @pytest.mark.parametrize("formatter", [http.combinedLogFormatter, http.proxiedLogFormatter])
    @pytest.mark.parametrize("way", WAYS)
    def test_the_line_in_the_access_log(self, formatter: Any, way: Way) -> None:
        def line(base: Any, way: Way) -> str:
            site = Site(Page(lambda request: b"hello"), reactor=Clock(), logFormatter=formatter)
            site._logFile = log = StringIO()
            lines = [(b"User-Agent", b'"me"'), (b"X-Forwarded-For", b"192.0.2.9, 192.0.2.8")]
            request, _ = way(base, site, lines, [])
            request.requestReceived(b"GET", b"/?a", b"HTTP/1.1")
            return log.getvalue()

        assert '"GET /?a HTTP/1.1" 200 5 "-" ' in line(Stock, by_twisted)
        assert line(Stock, by_twisted) == line(Request, way)

    def test_it_is_a_request_of_twisted(self) -> None:
        request, _ = received(Request)
        assert isinstance(request, Stock)
        assert verifyObject(IRequest, Request(Channel(site_of(b""))))
        assert reflect.qual(Request) == reflect.qual(LenientRequest) == "twisted.web.server.Request"

    def test_the_class_has_the_same_names(self) -> None:
        names = {name for name in dir(Stock) if not name.startswith("__")}
        assert names - set(dir(Request)) == set()

    def test_adapters_are_kept(self) -> None:
        request, _ = received(Request)
        marks = [object(), object()]
        request.setComponent(IRequest, marks[0])
        assert request.getComponent(IRequest) is marks[0]
        request.unsetComponent(IRequest)
        request.addComponent(marks[1], ignoreClass=True)
        assert request._adapterCache == {}

    @pytest.mark.parametrize("way", WAYS)
    def test_the_state_for_perspective_broker(self, way: Way) -> None:
        def state(base: Any, way: Way) -> Any:
            lines = [(b"Cookie", b"a=1")]
            request, _ = way(base, site_of(b""), lines, [])
            request.process = lambda: None
            request.requestReceived(b"GET", b"/?b=2", b"HTTP/1.1")
            request.site = None
            del request.process
            state = request.getStateToCopyFor(issuer=None)
            return {name: value for name, value in state.items() if name not in OBJECTS}

        expected = state(Stock, by_twisted)
        actual = state(Request, way)
        assert expected.items() <= actual.items()
        assert {getattr(Stock, name) for name in actual.keys() - expected.keys()} <= {None, 0, 200, b"OK"}

    def test_a_request_that_was_not_received(self) -> None:
        for base in (Stock, Request):
            request = base(Channel(site_of(b"")))
            assert [request.args, request.content, request.path] == [None, None, None]
            assert (request.received_cookies, request.getHeader("host")) == ({}, None)

    def test_cookies_that_arrive_after_the_first_read(self) -> None:
        request = Request(Channel(site_of(b"")))
        assert request.received_cookies == {}
        request.requestHeaders.addRawHeader("cookie", "a=1")
        request.parseCookies()
        assert request.received_cookies == {b"a": b"1"}

    def test_cookies_that_were_changed_before_the_first_read(self) -> None:
        request = Request(Channel(site_of(b"")))
        request.requestHeaders = ReceivedHeaders(Head([(b"Cookie", b"a=1")]))
        request.requestHeaders.addRawHeader("cookie", "b=2")
        request.parseCookies()
        assert request.received_cookies == {b"a": b"1", b"b": b"2"}

    def test_cookies_are_those_of_the_client(self) -> None:
        """If the program changes the headers before it reads the cookies, the cookies stay the same."""
        request, _ = by_engine(Request, site_of(b""), [(b"Cookie", b"a=1")], [])
        request.requestHeaders.removeHeader("cookie")
        assert (request.getHeader("cookie"), request.getCookie(b"a")) == (None, b"1")

    def test_addresses_are_known_when_the_connection_is_lost(self) -> None:
        for way in WAYS:
            request, _ = way(Request, site_of(b""), [], [])
            request.connectionLost(Failure(ConnectionLost()))
            assert (request.getClientAddress(), request.getHost()) == (PEER, HOST)


class TestLazy:
    """Work that a request avoids unless it is needed."""

    def test_a_whole_response_is_one_call(self) -> None:
        _, channel = received(Request)
        assert channel.responded == [200]
        assert channel.written.endswith(b"Content-Length: 5\r\nContent-Type: text/html\r\n\r\nhello")

    @pytest.mark.parametrize("name", ["write", "finish", "setHeader"])
    def test_a_replaced_method_is_called(self, name: str) -> None:
        def render(request: Any) -> bytes:
            setattr(request, name, getattr(request, name))
            setattr(request, name, partial(getattr(request, name)))
            return b"hello"

        own = type("Own", (Request,), {name: lambda self, *args: getattr(Request, name)(self, *args)})
        assert received(Request, render)[1].responded == []
        assert received(own)[1].responded == []
        assert received(type("Own", (Request,), {}))[1].responded == [200]

    def test_the_head_is_not_read(self) -> None:
        head = Head([(b"Cookie", b"a=1"), (b"Host", b"x")])
        request = Request(RespondingChannel(site_of(b"hello")))
        request.arrive(head)
        request.requestReceived(b"GET", b"/?a=1", b"HTTP/1.1")
        assert head.reads == []
        lazy = {name for name, value in vars(LazyRequest).items() if isinstance(value, Lazy)}
        assert lazy
        assert vars(request).keys() & lazy == set()

    def test_lazy_attributes_are_made_once(self) -> None:
        request, _ = by_engine(Request, site_of(b""), [(b"Cookie", b"a=1")], [])
        for name in ("args", "received_cookies", "content", "client", "requestHeaders", "_adapterCache"):
            assert getattr(request, name) is getattr(request, name)

    def test_headers_are_lazy(self) -> None:
        request, _ = by_engine(Request, site_of(b""), [(b"Host", b"x")], [])
        assert isinstance(request.requestHeaders, ReceivedHeaders)
        assert request.requestHeaders.source is not None

    def test_subclasses_that_may_be_lazy(self) -> None:
        class Mixin:
            def gotLength(self, length: int) -> None: ...

        def own(base: Any = Request, *more: Any, **attributes: Any) -> Any:
            return type("Own", (*more, base), attributes)

        lazy = [LenientRequest, own(), own(LenientRequest), own(process=None, render=None, write=None, _cleanup=None)]
        eager = [own(__init__=None), own(own(args=None)), own(Request, Mixin), own(code=404), own(parseCookies=None)]
        assert [kind._rw_lazy for kind in lazy] == [True] * 4
        assert [kind._rw_lazy for kind in eager] == [False] * 5

    def test_the_date_is_made_once_a_second(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made: list[int] = []

        def make() -> bytes:
            made.append(len(made))
            return b"%d" % len(made)

        now = 1000.25
        monkeypatch.setattr(server, "datetimeToString", make)
        monkeypatch.setattr("ropewalk.dropin.request.dates.time", lambda: now)
        dates = []
        for now in (1000.25, 1000.9, 1001.0, 1001.5, 999.0):  # noqa: B007 - the clock reads it
            request, _ = received(Request)
            dates.append(request.responseHeaders.getRawHeaders(b"Date"))
        assert dates == [[b"1"], [b"1"], [b"2"], [b"2"], [b"3"]]

    def test_the_date_and_its_second_are_of_one_reading(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """One reading of the clock gives both the Date and the second with which Last-Modified is compared. With two
        readings, the two could differ."""
        monkeypatch.setattr("ropewalk.dropin.request.dates.time", lambda: 1_000_000_000.0)
        monkeypatch.setattr(server, "datetimeToString", http.datetimeToString)
        date_line = DateLine()
        for module in (dates, request_module):
            monkeypatch.setattr(module, "date_line", date_line)
        request, _ = received(Request)
        assert request.responseHeaders.getRawHeaders(b"Date") == [b"Sun, 09 Sep 2001 01:46:40 GMT"]
        assert date_now() == 1_000_000_000


class TestCanReplace:
    def test_the_class_of_twisted(self) -> None:
        assert can_replace(Stock)
        assert not any(map(can_replace, (http.Request, Request, type("Own", (Stock,), {}), lambda channel: None)))

    @pytest.mark.parametrize(
        ("owner", "name"), [(Stock, "process"), (http.Request, "write"), (http.Request, "_cleanup")]
    )
    def test_a_patched_class(self, owner: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        stock = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda self, *args: stock(self, *args))
        assert not can_replace(Stock)
        monkeypatch.setattr(owner, name, partial(stock))
        assert not can_replace(Stock)


OBJECTS = {"requestHeaders", "responseHeaders", "remote"}
"""Attributes whose values are not equal for equal requests."""


def site_of(response: Any, **attributes: Any) -> Any:
    return Scene("", response, site={"log": lambda request: None, **attributes}).make_site()


def received(base: Any, response: Any = b"hello", **attributes: Any) -> tuple[Any, Any]:
    """Receive a request, and return it and its channel."""
    request, channel = by_lazy_headers(base, site_of(response, **attributes), [], [])
    request.requestReceived(b"GET", b"/", b"HTTP/1.1")
    return request, channel
