"""A grid and its users: files, ranges, directories, forms, commands, logs, and clients that leave early."""

import json
import os
import re
import signal
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from interop.processes import BIN, started
from interop.tahoe.grid import SECONDS, STORAGE_NODES, Grid, Node, running
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

FAULTS = re.compile(r"Traceback|Unhandled")
FIVE_MB = os.urandom(5_000_000)
CLIENTS = 10
"""At least this many clients leave early. The node must then have fewer than this many additional descriptors."""

LINGER_0 = struct.pack("ii", 1, 0)
"""A socket closed with this resets its connection."""


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    with running(tmp_path_factory.mktemp("grid")) as grid:
        yield grid
    for node in grid.nodes:
        assert node.process.popen.returncode == -signal.SIGTERM  # twistd ends itself by the signal that it has received
        assert not FAULTS.search(node.process.said), node.process.said


@pytest.fixture(scope="module")
def http(grid: Grid) -> Iterator[httpx.Client]:
    with grid.http() as http:
        yield http


@pytest.fixture(scope="module")
def five_mb(http: httpx.Client) -> str:
    """The path of an immutable file of 5 MB."""
    return f"/uri/{right(http.put('/uri', content=FIVE_MB)).text}"


@pytest.fixture
def directory(http: httpx.Client) -> str:
    """The path of a new directory."""
    return f"/uri/{right(http.post('/uri', params={'t': 'mkdir'})).text}"


def right(response: httpx.Response) -> httpx.Response:
    assert response.status_code in {200, 201}, response.text
    return response


class TestFiles:
    @pytest.mark.parametrize("size", [0, 1, 55, 56, 65_535, 65_536, 131_072, 131_073, 1_000_000])
    def test_there_and_back(self, http: httpx.Client, size: int) -> None:
        """Up to 55 bytes are contained in the capability itself. A segment has 128 KiB."""
        content = os.urandom(size)
        cap = right(http.put("/uri", content=content)).text
        assert cap.startswith("URI:LIT:" if size <= 55 else "URI:CHK:")
        assert right(http.get(f"/uri/{cap}")).content == content

    def test_five_mb(self, http: httpx.Client, five_mb: str) -> None:
        response = right(http.get(five_mb))
        assert response.content == FIVE_MB
        assert response.headers["Content-Length"] == "5000000"

    def test_five_mb_in_chunks(self, http: httpx.Client) -> None:
        """The body is chunked."""
        pieces = (FIVE_MB[start : start + 70_000] for start in range(0, len(FIVE_MB), 70_000))
        cap = right(http.put("/uri", content=pieces)).text
        assert right(http.get(f"/uri/{cap}")).content == FIVE_MB

    def test_head(self, http: httpx.Client, five_mb: str) -> None:
        response = right(http.head(five_mb))
        assert (response.headers["Content-Length"], response.content) == ("5000000", b"")

    def test_name_and_type(self, http: httpx.Client, five_mb: str) -> None:
        cap = five_mb.removeprefix("/uri/")
        response = right(http.get(f"/file/{cap}/@@named=/a.png", params={"save": "true"}))
        assert response.headers["Content-Type"] == "image/png"
        assert 'attachment; filename="a.png"' in response.headers["Content-Disposition"]
        assert response.content == FIVE_MB

    @pytest.mark.parametrize(
        ("range_", "first", "end"),
        [
            ("bytes=0-0", 0, 1),
            ("bytes=0-65535", 0, 65_536),
            ("bytes=131000-131100", 131_000, 131_101),
            ("bytes=1000000-3999999", 1_000_000, 4_000_000),
            ("bytes=4999990-", 4_999_990, 5_000_000),
            ("bytes=-1000000", 4_000_000, 5_000_000),
        ],
    )
    def test_range(self, http: httpx.Client, five_mb: str, range_: str, first: int, end: int) -> None:
        response = http.get(five_mb, headers={"Range": range_})
        assert response.status_code == 206
        assert response.headers["Content-Range"] == f"bytes {first}-{end - 1}/5000000"
        assert response.content == FIVE_MB[first:end]

    def test_range_past_its_end(self, http: httpx.Client, five_mb: str) -> None:
        """Tahoe-LAFS ignores this header."""
        assert right(http.get(five_mb, headers={"Range": "bytes=5000000-"})).content == FIVE_MB

    def test_not_modified(self, http: httpx.Client, five_mb: str) -> None:
        tag = right(http.get(five_mb)).headers["ETag"]
        response = http.get(five_mb, headers={"If-None-Match": tag})
        assert (response.status_code, response.content) == (304, b"")

    @pytest.mark.parametrize("format_", ["SDMF", "MDMF"])
    def test_mutable(self, http: httpx.Client, format_: str) -> None:
        path = f"/uri/{right(http.put('/uri', params={'format': format_}, content=FIVE_MB[:300_000])).text}"
        assert right(http.get(path)).content == FIVE_MB[:300_000]
        right(http.put(path, content=b"another"))
        assert right(http.get(path)).content == b"another"

    def test_part_of_a_mutable_file(self, http: httpx.Client) -> None:
        path = f"/uri/{right(http.put('/uri', params={'format': 'MDMF'}, content=FIVE_MB[:300_000])).text}"
        right(http.put(path, params={"offset": "150000"}, content=b"x" * 1000))
        assert right(http.get(path)).content == FIVE_MB[:150_000] + b"x" * 1000 + FIVE_MB[151_000:300_000]

    def test_what_is_not_there(self, http: httpx.Client) -> None:
        cap = f"URI:CHK:{'a' * 26}:{'a' * 52}:1:{STORAGE_NODES}:1000"
        response = http.get(f"/uri/{cap}")
        assert response.status_code == 410
        assert "NoSharesError" in response.text

    def test_no_capability(self, http: httpx.Client) -> None:
        assert http.get("/uri/URI:nonsense").status_code == 400


class TestDirectories:
    def test_listing(self, http: httpx.Client, directory: str) -> None:
        right(http.put(f"{directory}/bend.txt", content=b"sheet bend" * 10))
        right(http.put(f"{directory}/loops/bowline.txt", content=b"bowline" * 10))
        kind, listing = right(http.get(directory, params={"t": "json"})).json()
        assert kind == "dirnode"
        assert {name: child[0] for name, child in listing["children"].items()} == {
            "bend.txt": "filenode",
            "loops": "dirnode",
        }
        page = right(http.get(f"{directory}/")).text
        assert "bend.txt" in page
        assert "loops" in page
        assert right(http.get(f"{directory}/loops/bowline.txt")).content == b"bowline" * 10

    def test_many_children(self, http: httpx.Client, directory: str) -> None:
        """On one connection, with more entries than a page of the listing has."""
        cap = right(http.put("/uri", content=b"the same" * 10)).text
        children: dict[str, Any] = {f"ä {number}": ["filenode", {"ro_uri": cap}] for number in range(300)}
        right(http.post(directory, params={"t": "set_children"}, content=json_bytes(children)))
        listing = right(http.get(directory, params={"t": "json"})).json()[1]["children"]
        assert listing.keys() == children.keys()
        assert right(http.get(f"{directory}/ä 299")).content == b"the same" * 10

    def test_renamed_and_deleted(self, http: httpx.Client, directory: str) -> None:
        right(http.put(f"{directory}/one", content=b"1"))
        moved = http.post(directory, params={"t": "rename", "from_name": "one", "to_name": "two"})
        assert moved.status_code == 200
        assert http.get(f"{directory}/one").status_code == 404
        assert right(http.get(f"{directory}/two")).content == b"1"
        right(http.delete(f"{directory}/two"))
        assert http.get(f"{directory}/two").status_code == 404

    def test_form(self, http: httpx.Client, directory: str) -> None:
        """The form is encoded as by a browser."""
        data = {"t": "upload", "when_done": "/"}
        sent = http.post(f"{directory}/", data=data, files={"file": ("five.bin", FIVE_MB)})
        assert (sent.status_code, sent.headers["Location"]) == (302, "/")
        assert right(http.get(f"{directory}/five.bin")).content == FIVE_MB

    def test_checked(self, http: httpx.Client, five_mb: str) -> None:
        checked = right(http.post(five_mb, params={"t": "check", "verify": "true", "output": "json"})).json()
        assert checked["results"]["healthy"] is True
        assert checked["results"]["count-shares-good"] == STORAGE_NODES

    def test_stream_of_a_manifest(self, http: httpx.Client, directory: str) -> None:
        """The response has lines of JSON, which are written during the walk."""
        for name in ("a", "b", "c/d"):
            right(http.put(f"{directory}/{name}", content=name.encode() * 100))
        response = right(http.post(directory, params={"t": "stream-manifest"}))
        assert len(response.text.splitlines()) == 6


class TestPages:
    @pytest.mark.parametrize(
        ("path", "words"),
        [
            ("/", "Tahoe-LAFS"),
            ("/status/", "Recent Operations"),
            ("/statistics", "Operational Statistics"),
            ("/storage", "Storage Server Status"),
            ("/tahoe.css", "body"),
        ],
    )
    def test_page(self, http: httpx.Client, path: str, words: str) -> None:
        assert words in right(http.get(path)).text

    def test_metrics(self, http: httpx.Client) -> None:
        assert "tahoe_stats_node_uptime" in right(http.get("/statistics?t=openmetrics")).text

    def test_image(self, http: httpx.Client) -> None:
        assert right(http.get("/icon.png")).content.startswith(b"\x89PNG")

    @pytest.mark.parametrize("token", ["", "nonsense"])
    def test_private_ones(self, http: httpx.Client, token: str) -> None:
        headers = {"Authorization": f"tahoe-lafs {token}"} if token else {}
        assert http.get("/private/logs/v1", headers=headers).status_code == 401

    def test_log_over_websocket(self, grid: Grid, http: httpx.Client) -> None:
        url = f"{grid.url.replace('http', 'ws')}/private/logs/v1"
        token = (grid.client.folder / "private" / "api_auth_token").read_text().strip()
        with connect(url, additional_headers={"Authorization": f"tahoe-lafs {token}"}, open_timeout=30) as log:
            right(http.put("/uri", content=b"logged" * 20))
            assert "timestamp" in str(log.recv(30))

    def test_log_over_websocket_without_its_token(self, grid: Grid) -> None:
        with pytest.raises(InvalidStatus), connect(f"{grid.url.replace('http', 'ws')}/private/logs/v1"):
            pass


class TestCommands:
    """The commands of `tahoe`, which send requests to the client node."""

    def test_put_and_get(self, grid: Grid, tmp_path: Path) -> None:
        (tmp_path / "sent").write_bytes(FIVE_MB)
        cap = tahoe(grid, "put", tmp_path / "sent").splitlines()[-1]
        tahoe(grid, "get", cap, tmp_path / "got")
        assert (tmp_path / "got").read_bytes() == FIVE_MB

    def test_alias_and_listing(self, grid: Grid, tmp_path: Path) -> None:
        (tmp_path / "knots").mkdir()
        (tmp_path / "knots" / "hitch").write_text("clove hitch" * 10)
        tahoe(grid, "create-alias", "mine")
        tahoe(grid, "cp", "--recursive", tmp_path / "knots", "mine:")
        assert tahoe(grid, "ls", "mine:knots").split() == ["hitch"]


class TestClientsThatLeave:
    """Clients leave during downloads and uploads. Afterwards the node has closed their files and sockets."""

    @pytest.mark.parametrize("end", ["closed", "reset", "unread"])
    def test_download(self, grid: Grid, http: httpx.Client, five_mb: str, end: str) -> None:
        before = grid.client.descriptors()
        for _ in range(2 * CLIENTS):
            with connected(grid) as client:
                client.sendall(f"GET {five_mb} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                if end != "unread":
                    receive(client, 100_000)
                if end == "reset":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
        assert right(http.get(five_mb)).content == FIVE_MB
        wait_for_descriptors(grid.client, before)

    @pytest.mark.parametrize("end", ["closed", "reset"])
    def test_upload(self, grid: Grid, http: httpx.Client, five_mb: str, end: str) -> None:
        before = grid.client.descriptors()
        head = b"PUT /uri HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\n\r\n"
        for _ in range(CLIENTS):
            with connected(grid) as client:
                client.sendall(head + FIVE_MB[:2_000_000])
                if end == "reset":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
        assert right(http.get(five_mb)).content == FIVE_MB
        wait_for_descriptors(grid.client, before)

    def test_one_that_reads_slowly(self, grid: Grid, http: httpx.Client, five_mb: str) -> None:
        """A slow client gets everything, and other clients are served meanwhile."""
        with connected(grid) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            client.sendall(f"GET {five_mb} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            got = client.recv(1000)
            assert right(http.get(five_mb)).content == FIVE_MB
            while data := client.recv(65_536):
                got += data
        assert got.partition(b"\r\n\r\n")[2] == FIVE_MB


def test_end_in_the_middle_of_a_download(tmp_path: Path) -> None:
    """SIGTERM ends the node although a download runs."""
    with running(tmp_path) as grid, grid.http() as http:
        cap = right(http.put("/uri", content=FIVE_MB)).text
        with http.stream("GET", f"/uri/{cap}") as response:
            assert next(response.iter_bytes())
            grid.client.process.tell(signal.SIGTERM)
            assert grid.client.process.ends() == -signal.SIGTERM


def tahoe(grid: Grid, *arguments: str | Path) -> str:
    """Run a command and return its output."""
    with started(BIN / "tahoe", f"--node-directory={grid.client.folder}", *arguments) as command:
        assert command.ends() == 0, command.said
    return command.said


def connected(grid: Grid) -> socket.socket:
    return socket.create_connection(("127.0.0.1", grid.port), timeout=30)


def receive(client: socket.socket, least: int) -> None:
    """Read from a connection. Raises AssertionError if it ends before that."""
    while least > 0:
        data = client.recv(min(least, 65_536))
        assert data
        least -= len(data)


def wait_for_descriptors(node: Node, before: int) -> None:
    """Wait until the sockets of the clients are closed.

    Some belong to connections to storage nodes. Raises AssertionError.
    """
    end = time.monotonic() + SECONDS
    while (now := node.descriptors()) >= before + CLIENTS:
        assert time.monotonic() < end, f"{now} are open, {before} before"
        time.sleep(0.1)  # no event reports this


def json_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()
