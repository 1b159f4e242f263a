"""Uploads while the system is out of file descriptors or disk space: 503 or 507, one line in the log, and no file left.

Afterwards, uploads succeed.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.processes import Server, ropewalk
from tests.wire.conftest import address_of
from tests.wire.connection import Connection, ReceivedResponse

SERVICE = Path(__file__).with_name("shortages.py")

UPLOADS = ("/form", "/plain", "/save")

SIZE = 2 << 20


def post(path: str, size: int = 0) -> bytes:
    """A request; with a size, it uploads a form with a file of this size."""
    parts = b'--e\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n', b"x" * size, b"\r\n--e--\r\n"
    content = b"".join(parts) if size else b""
    kind = "Content-Type: multipart/form-data; boundary=e\r\n"
    return f"POST {path} HTTP/1.1\r\nHost: a\r\n{kind}Content-Length: {len(content)}\r\n\r\n".encode() + content


class Uploader:
    """Uploads to a server. Its connections are open from the beginning, while the server has descriptors."""

    def __init__(self, server: Server, stack: ExitStack) -> None:
        self.server = server
        self._connections = [stack.enter_context(Connection(address_of(server))) for _ in range(7)]
        assert [self._connections[0].ask(post("/temporary-files")).text for _ in self._connections] == ["0"] * 7

    def ask(self, path: str) -> str:
        """Send a request without a body."""
        return self._connections[0].ask(post(path)).text

    def upload(self, path: str, size: int = SIZE) -> ReceivedResponse:
        """Upload on a connection of its own, because the server closes it if it has not read the body."""
        return self._connections.pop().ask(post(path, size))

    def assert_logged_once(self, code: str) -> None:
        """Stop the server, and check that its log has this code once, and no traceback."""
        assert self.server.stop() == 0
        assert self.server.errors.count(code) == 1, self.server.errors
        assert "Traceback" not in self.server.errors


@contextmanager
def uploading(**environment: str) -> Iterator[Uploader]:
    with ropewalk("run", SERVICE, "--access-log", "off", environment=environment) as server, ExitStack() as stack:
        yield Uploader(server, stack)


def test_no_descriptors(tmp_path: Path) -> None:
    with uploading(SAVE_IN=f"{tmp_path}") as client:
        assert client.ask("/descriptors/none") == "none"
        found = [client.upload(path) for path in UPLOADS]
        assert [each.status for each in found] == [503] * 3
        assert [each.field("retry-after") for each in found] == ["1"] * 3
        assert client.ask("/descriptors/some") == "some"
        assert [client.upload(path).status for path in UPLOADS] == [200] * 3
        client.assert_logged_once("RW506")


def test_files_have_a_largest_size(tmp_path: Path) -> None:
    with uploading(SAVE_IN=f"{tmp_path}", TMPDIR=f"{tmp_path}") as client:
        assert client.ask(f"/largest-file/{SIZE // 2}") == "limited"
        assert [client.upload(path).status for path in UPLOADS] == [507] * 3
        assert client.ask("/temporary-files") == "0"
        assert client.upload("/form", SIZE // 4).status == 200
        client.assert_logged_once("RW507")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of 1 MiB."""
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if mount is None or unmount is None:
        pytest.skip("mount is not installed")
    command = [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", f"{tmp_path}"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("the user of this process may not mount a file system")
    yield tmp_path
    subprocess.run([unmount, f"{tmp_path}"], check=True)


def test_a_disk_becomes_full_while_a_body_is_stored(small_disk: Path) -> None:
    with uploading(SAVE_IN=f"{small_disk}", TMPDIR=f"{small_disk}") as client:
        assert [client.upload(path).status for path in UPLOADS] == [507] * 3
        assert client.ask("/temporary-files") == "0"
        assert [client.upload(path, 100_000).status for path in UPLOADS] == [200] * 3
        client.assert_logged_once("RW507")
    assert [each.name for each in small_disk.iterdir()] == ["saved.bin"]


def test_a_disk_becomes_full_while_a_file_is_saved(small_disk: Path) -> None:
    """The temporary folder has room, but the folder of the program has none."""
    with uploading(SAVE_IN=f"{small_disk}") as client:
        assert client.upload("/save").status == 507
        assert client.ask("/temporary-files") == "0"
        client.assert_logged_once("RW507")
    assert list(small_disk.iterdir()) == []
