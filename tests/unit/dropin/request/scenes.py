"""Scenes for tests that compare requests: resources, sites, clients and subclasses of many kinds."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pytest
from tests.unit.dropin.request.channels import Lines
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.web import resource, server, static, util
from twisted.web.error import UnsupportedMethod
from twisted.web.http_headers import Headers
from twisted.web.server import NOT_DONE_YET, Site


class Page(resource.Resource):
    """Renders GET and POST with a function."""

    isLeaf = True

    def __init__(self, render: Callable[[Any], Any], leaf: bool = True) -> None:
        super().__init__()
        self.isLeaf = leaf
        self.render_GET = render
        self.render_POST = render

    def __repr__(self) -> str:
        return "<Page>"


@dataclass
class Scene:
    """A request, the resource that responds to it, and the later steps."""

    name: str
    root: Any
    """A resource, a function that renders, or the value that a resource returns."""
    path: bytes = b"/"
    method: bytes = b"GET"
    version: bytes = b"HTTP/1.1"
    headers: Lines = field(default_factory=list)
    body: list[bytes] = field(default_factory=list)
    site: dict[str, Any] = field(default_factory=dict)
    """Attributes of the site."""
    parse: bool = True
    """Whether the site parses forms."""
    then: Callable[[Any], Any] = lambda request: None
    """A function that is called with the request after it was received."""
    sub: Callable[[Any], Any] = lambda base: base
    """A function that makes a subclass of the request's class."""

    def make_site(self) -> Site:
        root = self.root() if isinstance(self.root, type) else self.root
        if not hasattr(root, "render"):
            root = Page(root if callable(root) else lambda request: self.root)
        made = Site(root, reactor=Clock(), **({} if self.parse else {"parsePOSTFormSubmission": False}))
        vars(made).update(self.site)
        return made


def with_header(request: Any) -> bytes:
    request.setHeader("content-type", "text/plain")
    request.setHeader(b"X-Two", "a\r\nb")
    return b"hello"


def with_code(code: int, message: bytes | None = None, body: bytes = b"hello") -> Callable[[Any], bytes]:
    def render(request: Any) -> bytes:
        request.setResponseCode(code, message)
        return body

    return render


def with_cookies(request: Any) -> bytes:
    request.addCookie("a", "1", path="/", httpOnly=True)
    request.addCookie(b"b", b"2;3")
    return b"hello"


def with_validators(request: Any) -> bytes:
    request.setLastModified(-1000.5)  # earlier than the Date, which is in 1970
    request.setETag(b'"one"')
    return b"hello"


def with_two_dates(request: Any) -> bytes:
    request.setLastModified(1000)
    request.setHeader(b"Last-Modified", b"yesterday")
    return b"hello"


def with_session(request: Any) -> bytes:
    session = request.getSession()
    return b"%d" % (session is request.getSession() and request.session is session)


def raising(request: Any) -> bytes:
    raise ValueError("no")


def writing(*parts: bytes, finish: bool = True, length: bytes | None = None) -> Callable[[Any], Any]:
    def render(request: Any) -> Any:
        if length is not None:
            request.setHeader(b"Content-Length", length)
        for part in parts:
            request.write(part)
        if finish:
            request.finish()
        return NOT_DONE_YET

    return render


def writing_then_returning(request: Any) -> bytes:
    request.write(b"some ")
    return b"more"


def redirecting(request: Any) -> Any:
    request.redirect(b"/elsewhere")
    request.finish()
    return NOT_DONE_YET


def reading_everything(request: Any) -> bytes:
    """Return everything that a resource can read of the request."""
    values = (
        request.args,
        request.prepath,
        request.postpath,
        request.sitepath,
        request.received_cookies,
        request.getCookie(b"a"),
        request.getHeader("user-agent"),
        request.getHeader(b"User-Agent"),
        request.getHeader(b"none"),
        request.getAllHeaders(),
        list(request.requestHeaders.getAllRawHeaders()),
        request.getClientAddress(),
        request.getHost(),
        request.getRequestHostname(),
        request.isSecure(),
        request.getUser(),
        request.getPassword(),
        request.content.read(),
        request.prePathURL(),
        request.URLPath().click(b"../up"),
        request.childLink(b"child"),
        request.sibLink(b"sibling"),
        list(request.responseHeaders.getAllRawHeaders()),
        request.notifications,
        request.cookies,
    )
    return repr(values).encode()


def rendering_another(request: Any) -> Any:
    request.render(Page(lambda request: b"another"))
    return NOT_DONE_YET


class UpperCaseHeaders(Headers):
    """A Headers class that an application defines."""

    def setRawHeaders(self, name: Any, values: Any) -> None:
        super().setRawHeaders(name, [value.upper() for value in values])


def with_headers_of_its_own(request: Any) -> bytes:
    request.responseHeaders = UpperCaseHeaders({b"X-A": [b"b"]})
    return b"hello"


def losing_the_connection(request: Any) -> bytes:
    request.connectionLost(Failure(ConnectionLost()))
    return b"hello"


def replacing(name: str, function: Callable[..., Any]) -> Callable[[Any], bytes]:
    """Render after replacing a method of the request with a function, which receives the original method."""

    def render(request: Any) -> bytes:
        stock = getattr(request, name)
        setattr(request, name, lambda *args: function(request, stock, *args))
        return b"hello"

    return render


def counting_headers(request: Any, stock: Any, name: Any, value: Any) -> None:
    stock(name, value)
    request.responseHeaders.addRawHeader(b"X-Set", name)


class GetOnlyResource:
    """An IResource that is not a Resource, and supports GET only."""

    isLeaf = True

    def render(self, request: Any) -> Any:
        if request.method != b"GET":
            raise UnsupportedMethod([b"GET"])
        return b"hello"

    def __repr__(self) -> str:
        return "<GetOnlyResource>"


class LateGetOnlyResource(GetOnlyResource):
    def render(self, request: Any) -> Any:
        super().render(request)
        return NOT_DONE_YET


class RenderingGetOnlyResource(GetOnlyResource):
    def render(self, request: Any) -> Any:
        super().render(request)
        return rendering_another(request)


class Tree(resource.Resource):
    def __init__(self) -> None:
        super().__init__()
        below = Page(reading_everything, leaf=False)
        below.putChild(b"c d", Page(reading_everything))
        self.putChild(b"a", below)
        self.putChild(b"", Page(reading_everything))


def gzipped(render: Any) -> Any:
    return resource.EncodingResourceWrapper(Page(render), [server.GzipEncoderFactory()])


def finishing(request: Any) -> None:
    request.finish()


def finishing_twice(request: Any) -> None:
    request.finish()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        request.finish()
    request.warned = [str(warning.message) for warning in caught]


def failing(call: Callable[[Any], Any], *exceptions: type[BaseException]) -> Callable[[Any], None]:
    def then(request: Any) -> None:
        with pytest.raises(exceptions) as raised:
            call(request)
        request.raised = str(raised.value)

    return then


def losing_connection(request: Any) -> None:
    fired: list[str] = []
    request.notifyFinish().addErrback(lambda failure: fired.append(failure.type.__name__))
    request.connectionLost(Failure(ConnectionLost()))
    request.write(b"lost")
    failing(lambda request: request.finish(), RuntimeError)(request)
    request.fired = fired


def responding_in_parts(request: Any) -> None:
    fired: list[Any] = []
    request.notifyFinish().addCallback(fired.append)
    request.write(b"one")
    request.write(b"")
    request.write(b"two")
    request.finish()
    request.fired = fired


def finishing_with_a_producer(request: Any) -> None:
    request.registerProducer(object(), True)
    request.finish()


def subclass(**attributes: Any) -> Callable[[Any], Any]:
    return lambda base: type("Own", (base,), attributes)


def overriding(name: str) -> Callable[[Any], Any]:
    """Make a subclass with an overridden method, which adds its name to the response."""

    def make(base: Any) -> Any:
        def method(self: Any, *args: Any, **options: Any) -> Any:
            if hasattr(self, "responseHeaders") and not self.startedWriting:
                self.responseHeaders.addRawHeader(b"X-Called", name)
            return getattr(base, name)(self, *args, **options)

        return type("Own", (base,), {name: method})

    return make


def with_fields_of_its_own(base: Any) -> Any:
    class Own(base):  # type: ignore[misc] # Any is what it is
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.args = {b"old": [b"1"]}
            self.content = BytesIO(b"old")
            self.received_cookies = {b"old": b"1"}

    return Own


def with_cookies_of_its_own(base: Any) -> Any:
    class Own(base):  # type: ignore[misc] # Any is what it is
        def parseCookies(self) -> None:
            self.requestHeaders.setRawHeaders(b"Cookie", [b"new=2"])
            super().parseCookies()

    return Own


def with_headers_of_its_class(base: Any) -> Any:
    class Own(base):  # type: ignore[misc] # Any is what it is
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.responseHeaders = UpperCaseHeaders()

    return Own


class Spool(BytesIO):
    """The file for content that a site provides."""


class Sub(resource.Resource):
    isLeaf = True

    def render(self, request: Any) -> bytes:
        return b"by render"

    def render_GET(self, request: Any) -> bytes:
        return b"by render_GET"


FORM = [(b"Content-Type", b"application/x-www-form-urlencoded")]
MULTIPART = [(b"Content-Type", b"multipart/form-data; boundary=x")]
PARTS = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'
HEADERS = [
    (b"Host", b"example.com:8080"),
    (b"User-Agent", b"one"),
    (b"user-agent", b"two"),
    (b"Cookie", b'a=1; b="2"; c; =d'),
    (b"Cookie", b"a=3;"),
    (b"Authorization", b"Basic dXNlcjpwYXNz"),
    (b"X-Empty", b""),
    (b"etag", b"x"),
]

SCENES = [
    Scene("bytes", b"hello"),
    Scene("nothing", b""),
    Scene("a bytearray", bytearray(b"hello")),
    Scene("None", None),
    Scene("an int", lambda request: 7),
    Scene("headers", with_header),
    Scene("an error", raising),
    Scene("404 with a reason", with_code(404, b"Nowhere")),
    Scene("an unknown code", with_code(299)),
    Scene("204", with_code(204)),
    Scene("304", with_code(304)),
    Scene("204 and nothing", with_code(204, body=b"")),
    Scene("cookies", with_cookies),
    Scene("validators", with_validators),
    Scene("validators in pieces", lambda request: (with_validators(request), request.write(b"hello"), b"")[2]),
    Scene("validators that match", with_validators, headers=[(b"If-None-Match", b'"one"')]),
    Scene("two dates of modification", with_two_dates),
    Scene("a session", with_session, site={"_entropy": lambda size: b"e" * size}),
    Scene("HEAD", b"hello", method=b"HEAD"),
    Scene("HEAD of nothing", b"", method=b"HEAD"),
    Scene("HEAD in pieces", writing(b"one", b"two"), method=b"HEAD"),
    Scene("HEAD by GET", GetOnlyResource, method=b"HEAD"),
    Scene("HEAD by a GET that responds later", LateGetOnlyResource, method=b"HEAD"),
    Scene("HEAD by a GET that renders another", RenderingGetOnlyResource, method=b"HEAD"),
    Scene("POST where GET is known", GetOnlyResource, method=b"POST"),
    Scene("an unknown method", b"hello", method=b"BREW<>"),
    Scene("a known method without a function", b"hello", method=b"PUT"),
    Scene("OPTIONS *", b"hello", method=b"OPTIONS", path=b"*"),
    Scene("GET *", b"hello", path=b"*"),
    Scene("HTTP/1.0", b"hello", version=b"HTTP/1.0"),
    Scene("HTTP/1.0 in pieces", writing(b"one", b"two"), version=b"HTTP/1.0"),
    Scene("HTTP/2", b"hello", version=b"HTTP/2"),
    Scene("HTTP/2 in pieces", writing(b"one", b"two"), version=b"HTTP/2"),
    Scene("pieces", writing(b"one", b"", b"two")),
    Scene("pieces of a known length", writing(b"one", b"two", length=b"6")),
    Scene("an empty response of a known length", writing(length=b"0")),
    Scene("a piece and the rest", writing_then_returning),
    Scene("a redirect", redirecting),
    Scene("a redirect by a page", util.Redirect(b"/elsewhere")),
    Scene("no such child", Tree, path=b"/nowhere"),
    Scene("another rendered", rendering_another),
    Scene("everything that can be read", reading_everything, path=b"/x", headers=HEADERS),
    Scene("a query", Tree, path=b"/a/c%20d?a=1&b=&a=2;c=%20+?&d", headers=HEADERS),
    Scene("an empty query", reading_everything, path=b"/?"),
    Scene("a path with empty segments", reading_everything, path=b"/a//b%2fc/"),
    Scene("a whole URL", reading_everything, path=b"http://example.com/x?y=z"),
    Scene("a tree", Tree, path=b"/"),
    Scene("a tree's child", Tree, path=b"/a"),
    Scene("render by the resource itself", Sub),
    Scene("a form", reading_everything, method=b"POST", headers=FORM, body=[b"a=1&b=2"], path=b"/?a=0&c=3"),
    Scene("an empty form", reading_everything, method=b"POST", headers=FORM),
    Scene("a form in parts", reading_everything, method=b"POST", headers=MULTIPART, body=[PARTS]),
    Scene(
        "a form in no parts",
        reading_everything,
        method=b"POST",
        headers=[(b"Content-Type", b"multipart/form-data")],
        body=[b"x"],
    ),
    Scene("a form that is not parsed", reading_everything, method=b"POST", headers=FORM, body=[b"a=1"], parse=False),
    Scene("a body", lambda request: request.content.read(), method=b"POST", body=[b"one"]),
    Scene("a body in chunks", lambda request: request.content.read(), method=b"POST", body=[b"one", b"two"]),
    Scene("a body of GET", reading_everything, body=[b"a=1"], headers=FORM),
    Scene("a place for content", reading_everything, site={"getContentFile": lambda length: Spool(b"old")}),
    Scene("gzip", gzipped(lambda request: b"hello" * 99), headers=[(b"Accept-Encoding", b"gzip")]),
    Scene("gzip in pieces", gzipped(writing(b"one", b"two")), headers=[(b"Accept-Encoding", b"gzip")]),
    Scene("gzip not wanted", gzipped(lambda request: b"hello")),
    Scene("a file", static.Data(b"hello" * 99, "text/x")),
    Scene("headers of its own", with_headers_of_its_own),
    Scene("its own write", replacing("write", lambda request, stock, data: stock(data.upper()))),
    Scene("its own finish", replacing("finish", lambda request, stock: (request.write(b"!"), stock()))),
    Scene("its own setHeader", replacing("setHeader", counting_headers)),
    Scene("later", writing(finish=False), then=responding_in_parts),
    Scene("later, HTTP/1.0", writing(finish=False), then=responding_in_parts, version=b"HTTP/1.0"),
    Scene("later, with nothing", writing(finish=False), then=finishing),
    Scene("finish twice", writing(b"x", finish=False), then=finishing_twice),
    Scene("write after finish", b"hello", then=failing(lambda request: request.write(b"x"), RuntimeError)),
    Scene("a lost connection", writing(b"x", finish=False), then=losing_connection),
    Scene("a lost connection before anything", writing(finish=False), then=losing_connection),
    Scene("a producer forgotten", writing(b"x", finish=False), then=finishing_with_a_producer),
    Scene(
        "an error later", writing(finish=False), then=lambda request: request.processingFailed(Failure(KeyError("k")))
    ),
    Scene("a site that finds the resource itself", b"x", site={"getResourceFor": lambda request: Sub()}),
    Scene("a site that finds nothing", b"x", site={"getResourceFor": raising}),
    Scene("a site without a factory's log", b"x", site={"log": lambda request: None}),
    Scene("another default type", b"hello", sub=subclass(defaultContentType="text/\nplain")),
    Scene("no default type", b"hello", sub=subclass(defaultContentType=None)),
    Scene("another code by default", b"hello", sub=subclass(code=418, code_message=b"Teapot")),
    Scene("fields of its own", reading_everything, sub=with_fields_of_its_own, path=b"/?new=2", headers=HEADERS),
    Scene("cookies of its own", reading_everything, sub=with_cookies_of_its_own, headers=HEADERS),
    Scene("headers of its class", b"hello", sub=with_headers_of_its_class),
    Scene("a connection lost in between", losing_the_connection),
    *(
        Scene(f"a class with its own {name}", with_cookies, sub=overriding(name), path=b"/?a=1")
        for name in (
            "__init__",
            "parseCookies",
            "gotLength",
            "requestReceived",
            "process",
            "render",
            "setHeader",
            "write",
        )
    ),
    *(
        Scene(f"a class with its own {name}, and pieces", writing(b"one", b"two"), sub=overriding(name))
        for name in ("setHeader", "write", "finish", "_cleanup", "addCookie")
    ),
    Scene("a class with its own finish", b"hello", sub=overriding("finish")),
    Scene("a class with its own processingFailed", raising, sub=overriding("processingFailed")),
    Scene(
        "a class that handles its content", b"hello", sub=overriding("handleContentChunk"), body=[b"x"], method=b"POST"
    ),
]
