"""Methods of requests, sites, sessions and files that an application overrides, compared with twisted.web."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from tests.unit.dropin.connection.conversations import CONVERSATIONS, listen, recording, site, talk
from tests.unit.dropin.world import World, world
from tests.versions import IS_24_7
from twisted.web import http, resource, server, static
from twisted.web.server import Site
from twisted.web.static import Data

from ropewalk.dropin import LenientRequest, Request

WAYS = ("accepted", "adopted")
KINDS = {"accelerate": server.Request, "exec": LenientRequest, "dropin": Request}
"""The request class that applications get, by the way in which the engine serves them."""
STYLES = ("in a subclass", "on the instance", "in the class", "in http.Request")
Seen = list[tuple[Any, ...]]


@pytest.fixture
def there() -> Iterator[World]:
    with world() as made:
        yield made


def methods(kind: type) -> list[str]:
    names = (name for name in dir(kind) if not name.startswith("__"))
    return sorted(name for name in names if isinstance(getattr(kind, name), FunctionType))


def overriding(kind: type, name: str, style: str, seen: Seen, patch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a request factory whose requests have an overridden method."""
    if style == "in a subclass":
        return type("Own", (kind,), {name: recording(name, seen, getattr(kind, name))})
    if style == "on the instance":

        def make(*args: Any) -> Any:
            request = kind(*args)
            setattr(request, name, recording(name, seen, getattr(request, name)))
            return request

        return make
    patched: Any = http.Request if style == "in http.Request" else kind
    patch.setattr(patched, name, recording(name, seen, getattr(patched, name)))
    return kind


def access_lines(path: Path) -> list[str]:
    """Return the lines of an access log without times."""
    return [re.sub(r"\[[^]]*\]", "[]", line) for line in path.read_text().splitlines()]


FIELDS = (b"server", b"date", b"content-length", b"content-type", b"allow")


def comparable(value: Any) -> Any:
    """An argument without what may differ: the date, and the case of field names, which Twisted 24.7 writes in lower
    case."""
    if IS_24_7 and isinstance(value, bytes) and value.lower() in FIELDS:
        return value.lower()
    return b"a date" if isinstance(value, bytes) and value.endswith(b" GMT") else value


def observe_override(
    there: World, folder: Path, way: str, kind: type, name: str, style: str, patch: pytest.MonkeyPatch
) -> tuple[Any, ...]:
    """Return what clients read, and what is called and logged, with an overridden method."""
    seen: Seen = []
    factory = site(there, folder)
    del factory.log
    with patch.context() as patched:
        factory.requestFactory = overriding(kind, name, style, seen, patched)  # type: ignore[assignment]
        return observe(there, factory, folder, way, seen)


def observe(there: World, factory: Site, folder: Path, way: str, seen: Seen) -> tuple[Any, ...]:
    """Return what clients read, and what is called and logged, for the requests of a factory."""
    log = folder / f"{way}.log"
    log.unlink(missing_ok=True)
    factory.logPath = str(log)
    port = listen(there, factory, way)
    responses = talk(there, port, CONVERSATIONS)
    port.stopListening()
    there.until(lambda: factory.numPorts == 0)
    return responses, [tuple(map(comparable, each)) for each in seen], access_lines(log)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", methods(server.Request))
def test_an_override_of_a_request_is_called_as_by_twisted_web(
    there: World, tmp_path: Path, name: str, style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if style == "in http.Request" and not hasattr(http.Request, name):
        return
    (tmp_path / "a.txt").write_bytes(b"a file")
    expected = observe_override(there, tmp_path, "stock", server.Request, name, style, monkeypatch)
    for kind in KINDS.values():
        for way in WAYS:
            assert observe_override(there, tmp_path, way, kind, name, style, monkeypatch) == expected, (kind, way)


OWNERS = {"Site": Site, "HTTPFactory": http.HTTPFactory, "Session": server.Session, "File": static.File}


def with_override(
    there: World, folder: Path, owner: str, name: str, style: str, seen: Seen, patch: pytest.MonkeyPatch
) -> Site:
    """Make a site with an overridden method: of the site, its sessions or its files."""
    kinds: dict[str, Any] = dict(OWNERS)
    kind: Any = OWNERS[owner]
    if style == "in the class":
        patch.setattr(kind, name, recording(name, seen, getattr(kind, name)))
    elif style == "in a subclass":
        kinds[owner] = type("Own", (kind,), {name: recording(name, seen, getattr(kind, name))})
    else:

        def make(*args: Any, **options: Any) -> Any:
            made = kind(*args, **options)
            setattr(made, name, recording(name, seen, getattr(made, name)))
            return made

        kinds[owner] = make
    factory = site(there, folder, kinds["Site"], kinds["File"])
    factory.sessionFactory = kinds["Session"]
    del factory.log
    if (name, style) == ("log", "on the instance"):
        factory.log = recording("log", seen, factory.log)  # type: ignore[method-assign]
    return factory


@pytest.mark.parametrize("style", ["in a subclass", "on the instance", "in the class"])
@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (owner, name)
        for owner, kind in OWNERS.items()
        for name in methods(kind)
        if (owner != "HTTPFactory" or name in vars(kind))
        and name != "children"  # resources have an attribute of this name, too
    ],
)
def test_an_override_of_a_site_a_session_or_a_file_is_called_as_by_twisted_web(
    there: World, tmp_path: Path, owner: str, name: str, style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if owner == "HTTPFactory" and style != "in the class":
        return
    (tmp_path / "a.txt").write_bytes(b"a file")
    results = []
    for way, request in (("stock", None), ("accepted", None), ("accepted", LenientRequest)):
        seen: Seen = []
        with monkeypatch.context() as patched:
            factory = with_override(there, tmp_path, owner, name, style, seen, patched)
            if request is not None:
                factory.requestFactory = request  # type: ignore[assignment]
            results.append(observe(there, factory, tmp_path, way, seen))
    expected = results.pop(0)
    for result in results:
        assert result == expected


SET_ON: dict[str, Any] = {
    "Request.defaultContentType": b"text/plain",
    "Request.code": 202,
    "Request.etag": b'"a"',
    "Request.lastModified": 1,
    "Site.displayTracebacks": True,
    "Site._logFormatter": lambda timestamp, request: f"{request.uri!r} was asked for",
    "Session.sessionTimeout": 12345,
    "File.defaultType": "text/odd",
    "File.contentTypes": {".txt": "text/odder"},
    "File.contentEncodings": {".txt": "gzip"},
    "File.ignoredExts": [".txt"],
    "File.indexNames": ["a.txt"],
    "File.childNotFound": Data(b"not here", "text/plain"),
    "File.forbidden": Data(b"not for you", "text/plain"),
    "File.processors": {".txt": lambda path, registry: Data(b"processed", "text/plain")},
}


class Timed(server.Session):
    """A session that records its timeout."""

    def startCheckingExpiration(self) -> None:
        self.site.timeouts.append(self.sessionTimeout)


@pytest.mark.parametrize("style", ["in a subclass", "on the instance", "in the class"])
@pytest.mark.parametrize("where", SET_ON)
def test_an_attribute_that_a_program_sets_is_read_as_by_twisted_web(
    there: World, tmp_path: Path, where: str, style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"a file")
    owner, _, name = where.partition(".")
    results = []
    for way, request in (("stock", server.Request), ("accepted", server.Request), ("accepted", LenientRequest)):
        kinds: dict[str, Any] = {"Request": request, "Site": Site, "Session": Timed, "File": static.File}
        kind = kinds[owner]
        with monkeypatch.context() as patched:
            if style == "in the class":
                patched.setattr(kind, name, SET_ON[where], raising=False)
            elif style == "in a subclass":
                kinds[owner] = type("Own", (kind,), {name: SET_ON[where]})
            else:
                kinds[owner] = partial(setting, kind, name, SET_ON[where])
            factory: Any = site(there, folder, kinds["Site"], kinds["File"])
            del factory.log
            factory.sessionFactory = kinds["Session"]
            factory.requestFactory = kinds["Request"]
            factory.timeouts = []
            results.append((observe(there, factory, tmp_path, way, []), factory.timeouts))
    assert results[1] == results[0]
    assert results[2] == results[0]


def setting(kind: type, name: str, value: Any, *args: Any, **options: Any) -> Any:
    """Make an instance, and set an attribute of it."""
    made = kind(*args, **options)
    setattr(made, name, value)
    return made


def test_a_log_that_is_replaced_while_a_site_is_served(there: World, monkeypatch: pytest.MonkeyPatch) -> None:
    factory = site(there, Path())
    del factory.log
    port = listen(there, factory, "accepted")
    asked: list[bytes] = []
    talk(there, port, {"": CONVERSATIONS["get"]})
    monkeypatch.setattr(http.HTTPFactory, "log", lambda self, request: asked.append(request.uri))
    talk(there, port, {"": CONVERSATIONS["get"]})
    assert asked == [b"/page"]


def test_fields_that_are_changed_before_a_file_is_sent(there: World, tmp_path: Path) -> None:
    """A resource above a folder may remove a condition from the request, or add one. The response for the file follows
    the changed fields, as on twisted.web."""
    (tmp_path / "a.txt").write_bytes(b"a file")

    class Front(resource.Resource):
        def getChild(self, path: bytes, request: Any) -> Any:
            if path == b"less":
                request.requestHeaders.removeHeader(b"range")
            else:
                request.requestHeaders.setRawHeaders(b"range", [b"bytes=1-2"])
            return static.File(str(tmp_path))

    bodies = []
    for way, request in (("stock", server.Request), ("accepted", server.Request), ("accepted", LenientRequest)):
        factory: Any = Site(Front(), reactor=there.reactor, requestFactory=request)
        port = listen(there, factory, way)
        asked = {
            path: f"GET /{path}/a.txt HTTP/1.1\r\nHost: a\r\n{field}Connection: close\r\n\r\n".encode()
            for path, field in (("less", "Range: bytes=0-0\r\n"), ("more", ""))
        }
        responses = talk(there, port, asked)
        bodies.append([each.partition(b"\r\n\r\n")[2] for each in responses.values()])
    assert bodies == [[b"a file", b" f"]] * 3
