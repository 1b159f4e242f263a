"""Files that change while they are sent, objects that are not files, odd names, and paths out of the folder."""

import os
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import closing, suppress
from email import message_from_bytes
from itertools import product
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple
from urllib.parse import quote, quote_from_bytes

import pytest
from tests.processes import ropewalk

SECRET = b"the secret outside of the folder"
LARGE = 64 * 1024 * 1024
"""More than the sockets of both sides hold."""
GIB = 1024**3

pytestmark = pytest.mark.slow


class Site(NamedTuple):
    """A server of a folder. `outside` is the folder around it."""

    port: int
    folder: Path

    @property
    def outside(self) -> Path:
        return self.folder.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    outside = tmp_path_factory.mktemp("outside")
    folder = outside / "public"
    (folder / "docs").mkdir(parents=True)
    (folder / "docs" / "page.html").write_text("page")
    (folder / "index.html").write_text("index")
    (outside / "secret").write_bytes(SECRET)
    (folder / ".secret").write_bytes(SECRET)
    (folder / "link").symlink_to("../secret")
    (folder / "absolute").symlink_to(outside / "secret")
    (folder / "up").symlink_to("..")
    (folder / "docs" / "up").symlink_to("../..")
    (folder / "inside").symlink_to("index.html")
    (folder / "root").symlink_to("/")
    (folder / "self").symlink_to("/proc/self/root")
    with ropewalk("static", folder, "--listing", "--access-log", "off") as server:
        yield Site(int(server.url.rpartition(":")[2]), folder)


def connect(site: Site, path: str, *fields: str, method: str = "GET") -> socket.socket:
    """Send a request, and return the connection."""
    connection = socket.create_connection(("127.0.0.1", site.port), timeout=20)
    head = "\r\n".join((f"{method} {path} HTTP/1.1", "Host: a", "Connection: close", *fields, "", ""))
    connection.sendall(head.encode("latin-1"))
    return connection


class Received(NamedTuple):
    """A response. `is_complete` is whether the whole body has arrived."""

    status: int
    fields: dict[str, str]
    body: bytes

    @property
    def is_complete(self) -> bool:
        return len(self.body) == int(self.fields["content-length"])


def read(connection: socket.socket, begun: bytes = b"") -> Received:
    """Read a response until the server closes the connection. `begun` is its beginning, which was read before."""
    parts = [begun]
    with closing(connection), suppress(ConnectionResetError):
        while part := connection.recv(1 << 20):
            parts.append(part)
    head, _, body = b"".join(parts).partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Received(int(status.split(" ")[1]), fields, body)


def get(site: Site, path: str, *fields: str, method: str = "GET") -> Received:
    return read(connect(site, path, *fields, method=method))


class TestChanges:
    @pytest.fixture
    def file(self, site: Site) -> Iterator[Path]:
        file = site.folder / "large.bin"
        file.write_bytes(bytes(range(256)) * (LARGE // 256))
        yield file
        file.unlink()

    def begun(self, site: Site, *fields: str) -> tuple[socket.socket, bytes]:
        """Request the large file, and read the beginning of the response."""
        connection = connect(site, "/large.bin", *fields)
        return connection, connection.recv(1000)

    @pytest.mark.parametrize(
        "fields", [(), ("Range: bytes=0-40000000",), ("Range: bytes=0-40000000,41000000-60000000",)]
    )
    def test_truncated(self, site: Site, file: Path, fields: tuple[str, ...]) -> None:
        """The connection is closed before the announced length, so that the client notices it."""
        connection, begun = self.begun(site, *fields)
        os.truncate(file, 1000)
        received = read(connection, begun)
        assert received.status == (206 if fields else 200)
        assert not received.is_complete
        assert get(site, "/index.html").body == b"index"

    def test_overwritten_with_something_longer(self, site: Site, file: Path) -> None:
        connection, begun = self.begun(site)
        with file.open("ab") as opened:
            opened.write(b"more" * 1000)
        received = read(connection, begun)
        assert received.is_complete
        assert received.body == bytes(range(256)) * (LARGE // 256)

    @pytest.mark.parametrize("how", ["replaced", "removed"])
    def test_replaced_or_removed(self, site: Site, file: Path, how: str) -> None:
        connection, begun = self.begun(site)
        if how == "replaced":
            other = site.outside / "other"
            other.write_bytes(b"x" * LARGE)
            other.rename(file)
        else:
            file.unlink()
        received = read(connection, begun)
        file.touch()
        assert received.body == bytes(range(256)) * (LARGE // 256)

    def test_unreadable_meanwhile(self, site: Site, file: Path) -> None:
        connection, begun = self.begun(site)
        file.chmod(0)
        assert read(connection, begun).is_complete


@pytest.fixture(scope="module")
def size(site: Site) -> Iterator[int]:
    """The size of a sparse file of more than 4 GiB, with a few bytes at its beginning, middle and end."""
    size = 5 * GIB + 3
    file = site.folder / "sparse.bin"
    with file.open("wb") as opened:
        for offset, data in ((0, b"first"), (4 * GIB - 2, b"middle"), (size - 4, b"last")):
            opened.seek(offset)
            opened.write(data)
    yield size
    file.unlink()


class TestLargeFiles:
    def test_head(self, site: Site, size: int) -> None:
        received = get(site, "/sparse.bin", method="HEAD")
        assert (received.status, received.fields["content-length"]) == (200, str(size))

    @pytest.mark.parametrize(
        ("start", "stop", "expected"),
        [
            (0, 5, b"first"),
            (4 * GIB - 4, 4 * GIB + 6, b"\0\0middle\0\0"),
            (5 * GIB - 1, 5 * GIB + 3, b"last"),
            (3 * GIB, 3 * GIB + 1000, bytes(1000)),
        ],
    )
    def test_ranges(self, site: Site, size: int, start: int, stop: int, expected: bytes) -> None:
        received = get(site, "/sparse.bin", f"Range: bytes={start}-{stop - 1}")
        assert (received.status, received.body) == (206, expected)
        assert received.fields["content-range"] == f"bytes {start}-{stop - 1}/{size}"

    def test_several(self, site: Site, size: int) -> None:
        received = get(site, "/sparse.bin", f"Range: bytes=-4,{4 * GIB - 2}-{4 * GIB + 3},0-4")
        message: Any = message_from_bytes(
            f"Content-Type: {received.fields['content-type']}\r\n\r\n".encode() + received.body
        )
        parts = [each.get_payload(decode=True) for each in message.get_payload()]
        assert parts == [b"last", b"middle", b"first"]
        assert received.is_complete

    def test_a_client_that_leaves(self, site: Site, size: int) -> None:
        for fields in ((), (f"Range: bytes=0-{3 * GIB},{4 * GIB}-",)):
            connection = connect(site, "/sparse.bin", *fields)
            assert connection.recv(1000)
            connection.close()
        assert get(site, "/index.html").body == b"index"


class TestWhatIsNoFile:
    @pytest.mark.parametrize("kind", ["fifo", "socket", "device", "folder"])
    def test_they_are_404(self, site: Site, kind: str) -> None:
        path = site.folder / f"a-{kind}"
        if kind == "fifo":
            os.mkfifo(path)
        elif kind == "socket":
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(str(path))
        elif kind == "device":
            try:
                os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero, which never ends
            except PermissionError:
                pytest.skip("only root makes devices")
        else:
            path.mkdir()
        for name in (f"/a-{kind}", f"/a-{kind}/index.html", f"/a-{kind}/"):
            received = get(site, name)
            assert received.status == {"/a-folder": 308, "/a-folder/": 200}.get(name, 404)

    @pytest.mark.parametrize("kind", ["index", "fifo index"])
    def test_an_index_that_is_no_file(self, site: Site, kind: str) -> None:
        folder = site.folder / quote(kind)
        folder.mkdir()
        if kind == "index":
            (folder / "index.html").mkdir()
        else:
            os.mkfifo(folder / "index.html")
        assert get(site, f"/{quote(quote(kind))}/").status == 404


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            *(
                " ",
                "a b",
                " a",
                "a ",
                "a.",
                "a..b",
                "a...",
                "~",
                "a~",
                "-",
                "--help",
                "a;b",
                "a&b=c",
                "a?b",
                "a#b",
                "a+b",
            ),
            *(
                "100%",
                "%41",
                "%2e%2e",
                "%252e",
                "a\\b",
                "a\\..\\secret",
                "\\",
                "C:",
                "a:b",
                "nul",
                "a\nb",
                "a\tb",
                "a\x7fb",
            ),
            *('"', "'", "<b>", "räum", "ra\u0308um", "\u202egpj.exe", "日本語", "😀", "x" * 255, "index.html.br"),
        ],
    )
    def test_odd_ones_are_served(self, site: Site, name: str) -> None:
        (site.folder / name).write_bytes(os.fsencode(name))
        received = get(site, f"/{quote(name, safe='')}")
        if re.search(r"[\n\x7f\t]", name):
            assert received.status in (200, 400, 404)
        else:
            assert (received.status, received.body) == (200, os.fsencode(name))

    @pytest.mark.parametrize("name", [b"caf\xe9", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xae\xc0\xae"])
    def test_names_that_are_not_utf_8(self, site: Site, name: bytes) -> None:
        (site.folder / os.fsdecode(name)).write_bytes(SECRET)
        assert get(site, f"/{quote_from_bytes(name)}").status == 400
        assert get(site, "/").status == 200


_UP = (
    *("..", "%2e%2e", "%2E%2E", ".%2e", "%2e.", "%252e%252e", "%25%32%65%25%32%65", "..%00", "..%01", "%c0%ae%c0%ae"),
    *("%e0%80%ae%e0%80%ae", "%u002e%u002e", "..;", "..;a=b", "...", "....", "..%20", "%20..", "..%09", "%uff0e%uff0e"),
    *("\\..", "..\\", "%5c..", "..%5c", "..%255c", ".%00.", "up", "docs/up", "docs/..", "./..", "root", "self"),
)
_SLASHES = ("/", "//", "%2f", "%2F", "%252f", "\\", "%5c", "%c0%af", "/./", "/;/", "%00/")
_LAST = ("secret", "public/.secret", "etc/passwd", "public/../secret")


class TestPathsThatLeave:
    def test_none_escapes(self, site: Site) -> None:
        """Each way to write `..` and a slash, once and three times."""
        paths = {
            f"/{(up + slash) * times}{last}" for up, slash, last in product(_UP, _SLASHES, _LAST) for times in (1, 3)
        }
        paths |= {f"/docs/{path[1:]}" for path in list(paths)[::7]}
        special = {
            *(
                "/.secret",
                "/%2esecret",
                "/link",
                "/absolute",
                "/up/secret",
                "/docs/up/secret",
                "/inside",
                "/root/etc/passwd",
            ),
            *(
                "//etc/passwd",
                "///etc/passwd",
                "/%2fetc/passwd",
                "/file:///etc/passwd",
                "/self/etc/passwd",
                "/.secret/",
            ),
            *("/link/", "/up/", "/up", "/root", "/root/", "/proc/self/cwd/secret", "/.", "/..", "/./", "/../", "/%2e/"),
            f"/{site.outside}/secret",
            f"/{quote(str(site.outside / 'secret'), safe='')}",
        }
        connection = socket.create_connection(("127.0.0.1", site.port), timeout=20)
        reader = connection.makefile("rb")
        for path in sorted(paths | special):
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode("latin-1"))
            status = int(reader.readline().split(b" ")[1])
            fields = {}
            while (line := reader.readline()) != b"\r\n":
                name, _, value = line.decode("latin-1").partition(":")
                fields[name.lower()] = value.strip()
            body = reader.read(int(fields.get("content-length", "0")))
            assert status in (400, 404), path
            assert SECRET not in body, path
            assert b"root:" not in body, path
            if fields.get("connection") == "close":
                connection.close()
                connection = socket.create_connection(("127.0.0.1", site.port), timeout=20)
                reader = connection.makefile("rb")
        connection.close()

    @pytest.mark.parametrize("path", ["//evil.example/docs", "/\\evil.example/docs", "/%5cevil.example", "/docs"])
    def test_redirects_stay_on_the_site(self, site: Site, path: str) -> None:
        (site.folder / "\\evil.example").mkdir(exist_ok=True)
        location = get(site, path).fields.get("location")
        assert location is None or re.match(r"/[^/\\]", location)

    @pytest.mark.parametrize("path", ["/race/secret", "/race/deep/secret"])
    def test_a_thread_that_swaps_links(self, site: Site, path: str) -> None:
        """A folder and a link to the outside take turns under one name. The link is never followed."""
        race, real, link = (site.folder / name for name in ("race", ".real", ".link"))
        deep = site.outside / "deep"
        for made in (real / "deep", deep):
            made.mkdir(parents=True, exist_ok=True)
        (deep / "secret").write_bytes(SECRET)
        (real / "secret").write_bytes(b"inside")
        (real / "deep" / "secret").write_bytes(b"inside")
        link.symlink_to(site.outside)
        stopped = Event()

        def swap() -> None:
            while not stopped.is_set():
                for each in (real, link):
                    each.rename(race)
                    race.rename(each)

        thread = Thread(target=swap)
        thread.start()
        statuses = set()
        try:
            for _ in range(400):
                received = get(site, path)
                statuses.add(received.status)
                assert received.body != SECRET
                assert received.status in (200, 404)
                assert received.status == 404 or received.body == b"inside"
        finally:
            stopped.set()
            thread.join()
            link.unlink()
        assert 404 in statuses
