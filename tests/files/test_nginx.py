"""Ropewalk and nginx serve the same folder, and respond to the same requests. Each difference has a reason."""

import os
import re
from collections.abc import Iterator
from email import message_from_bytes
from gzip import compress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.files.differences import DIFFERENCES
from tests.files.requests import REQUESTS, Sent
from tests.processes import ropewalk
from tests.proxies.fronts import NGINX

TIME = 1_000_000_000

CONFIGURATION = """
types {
    text/html html; text/plain txt; text/javascript js; text/css css; image/svg+xml svg; application/json json;
}
default_type application/octet-stream;
charset utf-8;
charset_types text/html text/plain text/javascript text/css;
gzip_static on;
gzip_vary on;
disable_symlinks on;
server { listen 127.0.0.1:PORT; root "ROOT"; }
"""


class Got(NamedTuple):
    """The parts of a response that are compared."""

    status: int
    body: Any
    """The bytes; the parts of a multipart body; or None for an error or a redirect, whose text is free."""
    fields: dict[str, str]

    def __str__(self) -> str:
        fields = "".join(f"\n    {name}: {value}" for name, value in sorted(self.fields.items()))
        body = self.body if self.body is None or len(self.body) < 100 else f"{len(self.body)} bytes"
        return f"{self.status} {body!r}{fields}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    (folder / "docs").mkdir()
    (folder / "nothing").mkdir()
    contents = {
        "text.txt": bytes(ord("a") + number % 26 for number in range(1000)),
        "large.bin": os.urandom(300_000),
        "app.js": b"alert(1);" * 100,
        "app.js.gz": compress(b"alert(1);" * 100, mtime=0),
        "empty.txt": b"",
    }
    names = ("a b.txt", "räum.txt", "100%.txt", "b\\c.txt", "page.html", "style.css", "logo.svg", "data.json")
    for name in (*names, "index.html", "docs/index.html", "unknown.xyz"):
        contents[name] = name.encode()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        os.utime(folder / name, (TIME, TIME))
    os.mkfifo(folder / "fifo")
    (folder / "link.txt").symlink_to("text.txt")
    return folder


@pytest.fixture(scope="module")
def ports(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """The ports of Ropewalk and nginx."""
    configuration = CONFIGURATION.replace("ROOT", str(folder))
    nginx = NGINX.running(tmp_path_factory.mktemp("nginx") / "run", configuration, 0)
    with ropewalk("static", folder, "--precompressed") as server, nginx as port:
        yield int(server.url.rpartition(":")[2]), port


COMPARED = {
    *("accept-ranges", "allow", "content-encoding", "content-length", "content-range", "content-type"),
    *("last-modified", "location", "vary"),
}


def send(port: int, sent: Sent) -> tuple[Any, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.putrequest(sent.method, sent.path, skip_accept_encoding=True)
        for name, value in sent.fields:
            connection.putheader(name, value)
        if sent.method in ("POST", "PUT"):
            connection.putheader("Content-Length", "0")
        connection.endheaders()
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def exchange(port: int, sent: Sent) -> Got:
    """Send a request with the validators of this server, and return what is compared."""
    whole, _ = send(port, Sent("GET", sent.path))
    known = {"TAG": whole.getheader("etag", '"none"'), "DATE": whole.getheader("last-modified", "none")}
    fields = [(name, re.sub("TAG|DATE", lambda found: known[found[0]], value)) for name, value in sent.fields]
    response, body = send(port, sent._replace(fields=tuple(fields)))
    compared = {name.lower(): value for name, value in response.getheaders() if name.lower() in COMPARED}
    if not sent.path.startswith("/app.js"):
        # nginx sends Vary only if there is a compressed file. Ropewalk always does, because there may be one later.
        compared.pop("vary", None)
    if response.status == 206:
        compared.pop("accept-ranges", None)  # nginx leaves it out
    tag = response.getheader("etag")
    if tag is not None:
        compared["etag"] = "weak" if tag.startswith("W/") else "strong"
    content: Any = body
    if body and response.status == 206 and compared["content-type"].startswith("multipart/"):
        content = parts_of(compared.pop("content-type"), body)
        del compared["content-length"]  # the boundaries have different lengths
    elif response.status >= 300:
        content = None
        for name in ("content-type", "content-length"):
            compared.pop(name, None)
    if "location" in compared:
        compared["location"] = re.sub(r"^http://[^/]+", "", compared["location"])
    return Got(response.status, content, compared)


def parts_of(kind: str, body: bytes) -> list[tuple[str, str, bytes]]:
    message: Any = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body.removeprefix(b"\r\n"))
    assert not message.defects
    return [(each["content-type"], each["content-range"], each.get_payload(decode=True)) for each in message.walk()][1:]


def described(body: Any) -> str:
    return f"{len(body)} {'parts' if isinstance(body, list) else 'bytes'}"


def differences(ours: Got, theirs: Got) -> dict[str, tuple[object, object]]:
    """What differs, by name: our value and that of nginx."""
    found: dict[str, tuple[object, object]] = {}
    if ours.status != theirs.status:
        return {"status": (ours.status, theirs.status)}
    if ours.body != theirs.body:
        found["body"] = (described(ours.body), described(theirs.body))
    for name in sorted(ours.fields.keys() | theirs.fields.keys()):
        if ours.fields.get(name) != theirs.fields.get(name):
            found[name] = (ours.fields.get(name), theirs.fields.get(name))
    return found


def test_the_labels_are_unique() -> None:
    labels = [each.label for each in REQUESTS]
    assert len(set(labels)) == len(labels) > 200
    assert set(DIFFERENCES) <= set(labels)


@pytest.mark.slow
@pytest.mark.skipif(not NGINX.is_there, reason="there is no nginx here")
@pytest.mark.parametrize("sent", REQUESTS, ids=[each.label for each in REQUESTS])
def test_side_by_side(ports: tuple[int, int], sent: Sent) -> None:
    ours, theirs = (exchange(port, sent) for port in ports)
    found = differences(ours, theirs)
    assert found == DIFFERENCES.get(sent.label, {}), f"\nours: {ours}\nnginx: {theirs}"
