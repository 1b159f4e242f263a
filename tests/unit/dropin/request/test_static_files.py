"""A `File` of twisted.web responds the same when the engine sends its files."""

import os
import resource as resource_limits
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.dropin.world import WAYS, World, world
from twisted.web import resource, server, static
from twisted.web.server import Site

from ropewalk.dropin.request import static_files
from ropewalk.dropin.request.dates import modified_line

YEAR_10000 = 253_402_300_800
"""The first second of the year 10000, since 1970."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("folder")
    for name, content in {
        "small.txt": b"small",
        "large.bin": bytes(range(256)) * 400,
        "empty.html": b"",
        "page.html": b"<p>",
        "packed.tar.gz": b"\x1f\x8b",
        "no-extension": b"?",
        "sp ace.txt": b"space",
        "ümlaut.txt": b"u",
        "sub/inner.css": b"a{}",
        "sub/index.html": b"index",
    }.items():
        path = made / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1_000_000_000, 1_000_000_000.5))
    os.utime(made / "large.bin", (1, 1_234_567_890))
    (made / "link.txt").symlink_to("small.txt")
    (made / "dangling").symlink_to("nowhere")
    os.mkfifo(made / "pipe")
    return made


PATHS = [
    "/small.txt",
    "/large.bin",
    "/empty.html",
    "/page.html?query",
    "/packed.tar.gz",
    "/no-extension",
    "/sp%20ace.txt",
    "/%C3%BCmlaut.txt",
    "/%FC",
    "/sub/inner.css",
    "/sub",
    "/sub/",
    "/",
    "/link.txt",
    "/dangling",
    "/nothing",
    "/small.txt/",
    "/small.txt/more",
    "/sub/../small.txt",
    "/sub%2Finner.css",
    "/%2e%2e/etc/passwd",
    "/..",
    "//small.txt",
]


def fetch(folder: Path, way: str | None, path: str, *fields: str, method: str = "GET") -> bytes:
    """Return the response for a folder. If `way` is None, stock Twisted responds."""
    with world() as there:
        site = Site(static.File(str(folder)), reactor=there.reactor)
        return ask(there, site, way, path, *fields, method=method)


def ask(there: World, site: Any, way: str | None, path: str, *fields: str, method: str = "GET") -> bytes:
    """Return the response of a site to one request, and what it logs."""
    site.log = lambda request: logged.append((request.code, request.sentLength, request.prepath, request.postpath))
    logged: list[Any] = []
    if way is None:
        port = there.reactor.listenTCP(0, site, interface="127.0.0.1")
        there._ports.append(port)
    else:
        port = there.listen(site, way)
    client = there.connect(port)
    lines = [f"{method} {path} HTTP/1.1", "Host: a", "Connection: close", *fields, "", ""]
    client.send("\r\n".join(lines).encode())
    received = client.rest()
    head, _, body = received.partition(b"\r\n\r\n")
    kept = [line for line in head.split(b"\r\n") if not line.startswith((b"Date:", b"Connection:"))]
    if b"Transfer-Encoding: chunked" in kept:
        kept = kept[:1]  # an error page of Twisted, which contains the time
    return b"\n".join([*sorted(kept), body, repr(logged).encode()])


@pytest.mark.parametrize("path", PATHS)
def test_paths(folder: Path, path: str) -> None:
    expected = fetch(folder, None, path)
    for way in WAYS:
        assert fetch(folder, way, path) == expected, way


@pytest.mark.parametrize(
    "fields",
    [
        ("Range: bytes=2-3",),
        ("Range: bytes=0-1,3-4",),
        ("Range: bytes=900-",),
        ("If-Modified-Since: Sun, 09 Sep 2001 01:46:41 GMT",),
        ("If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT",),
        ("If-None-Match: x",),
    ],
)
def test_ranges_and_conditions(folder: Path, fields: tuple[str, ...]) -> None:
    def plain(received: bytes) -> bytes:
        return received if b"multipart" not in received else received[:15]

    assert plain(fetch(folder, "accepted", "/small.txt", *fields)) == plain(fetch(folder, None, "/small.txt", *fields))


@pytest.mark.parametrize("method", ["HEAD", "POST"])
def test_other_methods(folder: Path, method: str) -> None:
    assert fetch(folder, "accepted", "/large.bin", method=method) == fetch(folder, None, "/large.bin", method=method)


def changed(folder: Path, how: str) -> Any:
    """Make a folder that an application has changed."""
    root = static.File(str(folder))
    if how == "child":
        root.putChild(b"small.txt", static.Data(b"put", "text/plain"))
    elif how == "processor":
        root.processors = {".txt": lambda path, registry: static.Data(b"processed", "text/plain")}
    elif how == "subclass":

        class Upper(static.File):
            def getChild(self, path: Any, request: Any) -> Any:
                return static.Data(path.upper(), "text/plain")

        root = Upper(str(folder))
    elif how == "instance":
        root.getChild = lambda path, request: static.Data(b"mine", "text/plain")  # type: ignore[method-assign]
    elif how == "type":
        root = static.File(str(folder), defaultType="text/x-own")
    elif how == "below":
        above = resource.Resource()
        above.putChild(b"small.txt", root)
        return above
    elif how == "extensions":
        root.ignoreExt(".txt")
    return root


@pytest.mark.parametrize("how", ["child", "processor", "subclass", "instance", "type", "below", "extensions"])
@pytest.mark.parametrize("path", ["/small.txt", "/no-extension", "/small", "/small.txt/small.txt"])
def test_changed_folders(folder: Path, how: str, path: str) -> None:
    with world() as there:
        expected = ask(there, Site(changed(folder, how), reactor=there.reactor), None, path)
        found = ask(there, Site(changed(folder, how), reactor=there.reactor), "accepted", path)
    assert found == expected


def test_cookies_that_the_site_sets(folder: Path) -> None:
    class Setting(server.Site):
        def getResourceFor(self, request: Any) -> Any:
            request.addCookie("a", "b")
            return super().getResourceFor(request)

    with world() as there:
        expected = ask(there, Setting(static.File(str(folder)), reactor=there.reactor), None, "/small.txt")
        found = ask(there, Setting(static.File(str(folder)), reactor=there.reactor), "accepted", "/small.txt")
    assert found == expected


def test_a_folder_is_not_plain_after_a_patch_of_the_class(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = static.File(str(folder))
    assert static_files.is_plain(root)
    monkeypatch.setattr(static.File, "render_GET", lambda self, request: b"patched")
    assert not static_files.is_plain(root)


@pytest.fixture
def timeless(tmp_path: Path) -> Path:
    """A folder in a file system that supports the year 10000."""
    for folder in (tmp_path, Path("/dev/shm")):
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            os.utime(file.name, (YEAR_10000, YEAR_10000))
            if Path(file.name).stat().st_mtime == YEAR_10000:
                return folder
    pytest.skip("no file system here knows that year")


def dates(received: bytes) -> dict[str, bytes]:
    """Return Date and Last-Modified of a response."""
    lines = (line.partition(b": ") for line in received.split(b"\r\n\r\n")[0].split(b"\r\n"))
    return {name.decode(): value for name, _, value in lines if name in (b"Date", b"Last-Modified")}


@pytest.mark.parametrize("fields", [(), ("Range: bytes=0-1",)], ids=["all of it", "a range"])
@pytest.mark.parametrize("size", [5, 100_000])
@pytest.mark.parametrize(
    "modified", [YEAR_10000, 2**40, -YEAR_10000], ids=["the year 10000", "the year 36812", "long ago"]
)
def test_times_of_modification(timeless: Path, modified: float, size: int, fields: tuple[str, ...]) -> None:
    """RFC 9110, section 8.8.2.1: no Last-Modified is later than its Date."""
    with tempfile.TemporaryDirectory(dir=timeless) as folder:
        path = Path(folder) / "file.txt"
        path.write_bytes(bytes(size))
        os.utime(path, (modified, modified))
        for way in WAYS:
            with world() as there:
                client = there.connect(there.listen(Site(static.File(folder), reactor=there.reactor), way))
                client.get("/file.txt", "Connection: close", *fields)
                received = client.rest()
                assert received.startswith(b"HTTP/1.1 20"), received
                found = dates(received)
                assert found.get("Last-Modified") == (found["Date"] if modified > 0 else None), way


@pytest.mark.parametrize(
    ("modified", "date", "line"),
    [
        (0, 1, b"Thu, 01 Jan 1970 00:00:00 GMT"),
        (-1, 1, b"Wed, 31 Dec 1969 23:59:59 GMT"),
        (2, 1, b"Thu, 01 Jan 1970 00:00:01 GMT"),
        (2**70, 1, b"Thu, 01 Jan 1970 00:00:01 GMT"),
        (-30_610_224_000, 1, b"Wed, 01 Jan 1000 00:00:00 GMT"),
        (-30_610_224_001, 1, None),
        (-(2**70), 1, None),
    ],
)
def test_modified_line(modified: int, date: int, line: bytes | None) -> None:
    assert modified_line(modified, date) == line


@pytest.mark.parametrize("own", [None, b"Sun, 09 Sep 2001 01:46:40 GMT", b"whatever"])
def test_a_date_that_the_program_sets(own: bytes | None) -> None:
    class Page(resource.Resource):
        isLeaf = True

        def render_GET(self, request: Any) -> bytes:
            request.setLastModified(2**60)
            if own is not None:
                request.setHeader(b"Date", own)
            return b"page"

    with world() as there:
        client = there.connect(there.listen(Site(Page(), reactor=there.reactor)))
        client.get("/", "Connection: close")
        found = dates(client.rest())
        assert own == b"whatever" or found["Last-Modified"] == found["Date"]
        assert found["Last-Modified"].endswith(b" GMT")


def descriptors() -> list[str]:
    return sorted(each.name for each in Path("/proc/self/fd").iterdir())


@contextmanager
def one_descriptor() -> Iterator[None]:
    """Limit this process to one more descriptor."""
    soft, hard = resource_limits.getrlimit(resource_limits.RLIMIT_NOFILE)
    highest = max(map(int, descriptors()))
    resource_limits.setrlimit(resource_limits.RLIMIT_NOFILE, (highest + 2, hard))
    taken = []
    try:
        with suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        os.close(taken.pop())
        yield
    finally:
        for each in taken:
            os.close(each)
        resource_limits.setrlimit(resource_limits.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("way", WAYS)
def test_a_file_takes_one_descriptor(folder: Path, way: str) -> None:
    with world() as there:
        client = there.connect(there.listen(Site(static.File(str(folder)), reactor=there.reactor), way))
        client.get("/small.txt")
        client.until(b"small")
        before = descriptors()
        with one_descriptor():
            client.get("/large.bin")
            response = client.until(b"\r\n\r\n" + bytes(range(256)) * 400)
        assert response.startswith(b"HTTP/1.1 200 OK\r\n")
        assert descriptors() == before


def test_a_head_that_cannot_be_sent_leaves_no_file_open(folder: Path, log: Log) -> None:
    class Marking(resource.Resource):
        def getChild(self, name: bytes, request: Any) -> Any:
            request.setHeader(b"X-Mark", b"\0")
            return static.File(str(folder))

    with world() as there:
        port = there.listen(Site(Marking(), reactor=there.reactor))
        before = descriptors()
        client = there.connect(port)
        client.get("/files/large.bin")
        assert client.rest().startswith(b"HTTP/1.1 500 ")
        client.socket.close()
        there.turn()
        assert descriptors() == before
    assert "cannot send a response of the application" in log.text
