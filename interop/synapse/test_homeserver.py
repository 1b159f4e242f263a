"""A homeserver and its users, over TCP, TLS and a UNIX socket."""

import hmac
import json
import os
import re
import signal
import socket
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPResponse
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from interop.synapse.homeserver import MOST_BYTES, SECRET, Homeserver, running
from synapse.api.constants import MAX_REQUEST_SIZE

CLIENT = "/_matrix/client/v3"
MEDIA = "/_matrix/client/v1/media"
FAULTS = re.compile(r"Traceback|Unhandled|CRITICAL")

numbers = count()


@dataclass(frozen=True)
class User:
    id: str
    client: httpx.Client
    """With the user's access token."""

    def create_room(self) -> str:
        return str(right(self.client.post(f"{CLIENT}/createRoom", json={"preset": "private_chat"}))["room_id"])

    def send(self, room: str, text: str) -> str:
        """Send a message, and return the id of the event."""
        message = {"msgtype": "m.text", "body": text}
        url = f"{CLIENT}/rooms/{room}/send/m.room.message/{next(numbers)}"
        return str(right(self.client.put(url, json=message))["event_id"])

    def sync(self, since: str = "", milliseconds: int = 0) -> dict[str, Any]:
        """Return the new events; an empty object if there are none since this time."""
        params = {"timeout": str(milliseconds)} | ({"since": since} if since else {})
        return right(self.client.get(f"{CLIENT}/sync", params=params))

    def caught_up(self) -> str:
        """Wait until no more events arrive, and return the time. The set-up of a test comes in several steps."""
        new = self.sync()
        while "rooms" in new or "device_lists" in new:
            new = self.sync(new["next_batch"], 300)
        return str(new["next_batch"])


@pytest.fixture(scope="module")
def homeserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homeserver]:
    with running(tmp_path_factory.mktemp("homeserver")) as server:
        yield server
    assert not FAULTS.search(server.process.said), server.process.said


@pytest.fixture(scope="module")
def alice(homeserver: Homeserver) -> Iterator[User]:
    with user(homeserver, "alice", admin=True) as alice:
        yield alice


@pytest.fixture(scope="module")
def bob(homeserver: Homeserver) -> Iterator[User]:
    with user(homeserver, "bob") as bob:
        yield bob


@pytest.fixture
def room(alice: User, bob: User) -> str:
    """A room of which both users are members."""
    room = alice.create_room()
    right(alice.client.post(f"{CLIENT}/rooms/{room}/invite", json={"user_id": bob.id}))
    right(bob.client.post(f"{CLIENT}/rooms/{room}/join", json={}))
    return room


@contextmanager
def user(homeserver: Homeserver, name: str, *, admin: bool = False) -> Iterator[User]:
    """A new user, registered by the shared secret and logged in by password."""
    password = f"password of {name}"
    with homeserver.client() as client:
        register(client, name, password, admin=admin)
        identifier = {"type": "m.id.user", "user": name}
        login = {"type": "m.login.password", "identifier": identifier, "password": password}
        logged_in = right(client.post(f"{CLIENT}/login", json=login))
    with homeserver.client(logged_in["access_token"]) as client:
        yield User(logged_in["user_id"], client)


def register(client: httpx.Client, name: str, password: str, *, admin: bool) -> None:
    nonce = right(client.get("/_synapse/admin/v1/register"))["nonce"]
    words = (nonce, name, password, "admin" if admin else "notadmin")
    mac = hmac.new(SECRET.encode(), "\0".join(words).encode(), "sha1").hexdigest()
    registration = {"nonce": nonce, "username": name, "password": password, "admin": admin, "mac": mac}
    right(client.post("/_synapse/admin/v1/register", json=registration))


def right(response: httpx.Response) -> dict[str, Any]:
    """The object in a response with status 200."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    body: dict[str, Any] = response.json()
    return body


def bodies(sync: dict[str, Any], room: str) -> list[str]:
    """The texts of the new messages in a room."""
    events = sync["rooms"]["join"][room]["timeline"]["events"]
    return [event["content"]["body"] for event in events if event["type"] == "m.room.message"]


class TestUsers:
    def test_who_they_are(self, alice: User, bob: User) -> None:
        for one in (alice, bob):
            assert right(one.client.get(f"{CLIENT}/account/whoami"))["user_id"] == one.id

    def test_a_wrong_password(self, homeserver: Homeserver, alice: User) -> None:
        identifier = {"type": "m.id.user", "user": alice.id}
        login = {"type": "m.login.password", "identifier": identifier, "password": "a guess"}
        with homeserver.client() as client:
            response = client.post(f"{CLIENT}/login", json=login)
        assert (response.status_code, response.json()["errcode"]) == (403, "M_FORBIDDEN")

    def test_without_a_token(self, homeserver: Homeserver) -> None:
        with homeserver.client() as client:
            response = client.get(f"{CLIENT}/account/whoami")
        assert (response.status_code, response.json()["errcode"]) == (401, "M_MISSING_TOKEN")


class TestSync:
    def test_a_message_arrives(self, alice: User, bob: User, room: str) -> None:
        alice.send(room, "made fast")
        assert bodies(bob.sync(), room) == ["made fast"]

    def test_a_message_ends_the_long_poll(self, alice: User, bob: User, room: str) -> None:
        since = bob.caught_up()
        with ThreadPoolExecutor() as threads:
            polling = threads.submit(bob.sync, since, 30_000)
            alice.send(room, "haul away")
            assert bodies(polling.result(20), room) == ["haul away"]

    @pytest.mark.usefixtures("room")
    def test_a_long_poll_ends_in_time(self, bob: User) -> None:
        quiet = bob.sync(bob.caught_up(), 1500)
        assert "rooms" not in quiet

    def test_a_large_response_to_a_slow_reader(self, homeserver: Homeserver, alice: User, room: str) -> None:
        """Synapse writes pieces of 4 KiB until its transport's buffer is full."""
        sent = [f"{number} ".ljust(30_000, ".") for number in range(50)]
        for text in sent:
            alice.send(room, text)
        path = f"{CLIENT}/rooms/{room}/messages?dir=f&limit=100"
        with asking(homeserver, path, alice, receive_buffer=32_768) as asked, HTTPResponse(asked) as response:
            response.begin()
            events = json.loads(response.read())["chunk"]
        assert [event["content"]["body"] for event in events if event["type"] == "m.room.message"] == sent

    def test_a_client_that_leaves_the_long_poll(self, homeserver: Homeserver, alice: User) -> None:
        """Synapse is notified at once, and logs the disconnect."""
        since = alice.caught_up()
        said = len(homeserver.process.said)
        asking(homeserver, f"{CLIENT}/sync?timeout=30000&since={since}", alice).close()
        homeserver.process.says("Connection from client lost before response was sent", after=said)
        right(alice.client.get(f"{CLIENT}/account/whoami"))


def asking(homeserver: Homeserver, path: str, one: User, receive_buffer: int = 0) -> socket.socket:
    """Return a connection on which this request was sent."""
    host, port = homeserver.url.removeprefix("http://").split(":")
    asked = socket.socket()
    if receive_buffer:
        asked.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    asked.settimeout(40)
    asked.connect((host, int(port)))
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        f"Authorization: {one.client.headers['authorization']}",
        "Connection: close",
    )
    asked.sendall("\r\n".join((*lines, "", "")).encode())
    return asked


class TestMedia:
    def test_there_and_back(self, alice: User, bob: User) -> None:
        content = os.urandom(1_000_000)
        assert download(bob, upload(alice, content, "application/octet-stream", "hawser.bin")).content == content

    def test_its_name_and_type(self, alice: User, bob: User) -> None:
        response = download(bob, upload(alice, b"a bight", "text/plain", "knot.txt"))
        assert response.headers["content-type"].startswith("text/plain")
        assert "knot.txt" in response.headers["content-disposition"]
        assert response.headers["content-length"] == "7"

    def test_a_thumbnail(self, alice: User, bob: User) -> None:
        media = upload(alice, png(640, 480), "image/png", "rope.png")
        params = {"width": "96", "height": "96", "method": "crop"}
        response = bob.client.get(f"{MEDIA}/thumbnail/{media}", params=params)
        assert (response.status_code, response.headers["content-type"]) == (200, "image/png")
        assert response.content.startswith(b"\x89PNG")

    def test_more_than_an_upload_may_have(self, alice: User) -> None:
        response = alice.client.post("/_matrix/media/v3/upload", content=bytes(MOST_BYTES + 1))
        assert (response.status_code, response.json()["errcode"]) == (413, "M_TOO_LARGE")

    def test_of_no_length(self, alice: User) -> None:
        response = alice.client.post("/_matrix/media/v3/upload", content=iter([b"a", b"bight"]))
        assert response.status_code == 400
        assert response.json()["error"] == "Request must specify a Content-Length"

    @pytest.mark.parametrize("chunked", [False, True])
    def test_more_than_a_request_may_have(self, alice: User, chunked: bool) -> None:
        """Synapse cuts the connection when the body exceeds its limit."""
        size, part = MAX_REQUEST_SIZE + 1_000_000, 50_000
        content = (bytes(part) for _ in range(size // part)) if chunked else bytes(size)
        with pytest.raises(httpx.TransportError):
            alice.client.post("/_matrix/media/v3/upload", content=content)
        right(alice.client.get(f"{CLIENT}/account/whoami"))

    def test_a_form_is_refused(self, alice: User) -> None:
        response = alice.client.post("/_matrix/media/v3/upload", files={"file": b"a form"})
        assert (response.status_code, response.content) == (415, b"")


def upload(one: User, content: bytes, content_type: str, name: str) -> str:
    """Upload media, and return the server and the id in its URL."""
    headers = {"Content-Type": content_type}
    response = one.client.post("/_matrix/media/v3/upload", params={"filename": name}, headers=headers, content=content)
    return str(right(response)["content_uri"]).removeprefix("mxc://")


def download(one: User, media: str) -> httpx.Response:
    response = one.client.get(f"{MEDIA}/download/{media}")
    assert response.status_code == 200, response.text
    return response


def png(width: int, height: int) -> bytes:
    """A grey image."""
    rows = (b"\0" + bytes((row + column) % 256 for column in range(width)) for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


class TestHTTP:
    def test_options(self, homeserver: Homeserver) -> None:
        """Synapse sets a length of 0 on its responses without content."""
        with homeserver.client() as client:
            for _ in range(2):
                response = client.options(f"{CLIENT}/sync")
                assert (response.status_code, response.content) == (204, b"")
                assert response.headers["access-control-allow-origin"] == "*"

    def test_head(self, homeserver: Homeserver) -> None:
        with homeserver.client() as client:
            for _ in range(2):
                response = client.head("/_matrix/client/versions")
                assert (response.status_code, response.content) == (200, b"")

    def test_its_name(self, homeserver: Homeserver) -> None:
        with homeserver.client() as client:
            assert client.get("/_matrix/client/versions").headers["server"].startswith("Synapse/")

    def test_what_it_does_not_know(self, homeserver: Homeserver) -> None:
        with homeserver.client() as client:
            response = client.get("/_matrix/client/v3/belay")
        assert (response.status_code, response.json()["errcode"]) == (404, "M_UNRECOGNIZED")

    def test_what_is_no_json(self, alice: User) -> None:
        response = alice.client.post(f"{CLIENT}/createRoom", content=b"{")
        assert (response.status_code, response.json()["errcode"]) == (400, "M_NOT_JSON")

    def test_a_body_in_chunks(self, alice: User) -> None:
        response = alice.client.post(f"{CLIENT}/createRoom", content=iter([b'{"preset":', b'"private_chat"}']))
        assert right(response)["room_id"].startswith("!")

    def test_a_redirect(self, homeserver: Homeserver) -> None:
        with homeserver.client() as client:
            response = client.get("/")
        assert (response.status_code, response.headers["location"]) == (302, "/_matrix/static")

    def test_a_static_file(self, homeserver: Homeserver) -> None:
        with homeserver.client() as client:
            response = client.get("/_matrix/static/")
        assert response.status_code == 200
        assert "Synapse is running" in response.text or "It works" in response.text

    def test_metrics(self, homeserver: Homeserver) -> None:
        with homeserver.client() as client:
            assert "synapse_http_server_requests_received" in client.get("/_synapse/metrics").text

    def test_many_requests_on_one_connection(self, homeserver: Homeserver) -> None:
        """Each response is created in a thread, and written by a producer."""
        with homeserver.client(limits=httpx.Limits(max_connections=1)) as client:
            contents = {client.get("/_matrix/client/versions").content for _ in range(200)}
        assert len(contents) == 1

    def test_pipelined_requests(self, homeserver: Homeserver) -> None:
        host, port = homeserver.url.removeprefix("http://").split(":")
        asked = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20
        last = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(asked + last)
            responses = connection.makefile("rb").read()
        assert responses.count(b"HTTP/1.1 200 OK\r\n") == 21

    def test_many_clients(self, homeserver: Homeserver, alice: User) -> None:
        def whoami(_: int) -> str:
            with homeserver.client(alice.client.headers["authorization"].removeprefix("Bearer ")) as client:
                return str(right(client.get(f"{CLIENT}/account/whoami"))["user_id"])

        with ThreadPoolExecutor(16) as threads:
            assert set(threads.map(whoami, range(100))) == {alice.id}


class TestListeners:
    def test_over_tls(self, homeserver: Homeserver) -> None:
        with homeserver.secure_client() as client:
            assert right(client.get("/_matrix/client/versions"))["versions"]

    def test_over_a_unix_socket(self, homeserver: Homeserver) -> None:
        with homeserver.local_client() as client:
            assert right(client.get("/_matrix/client/versions"))["versions"]

    def test_who_asks_over_a_unix_socket(self, homeserver: Homeserver, alice: User) -> None:
        """Over this listener, a user's address is the one that the proxy reports."""
        token = alice.client.headers["authorization"]
        with homeserver.local_client() as client:
            headers = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "Authorization": token}
            right(client.get(f"{CLIENT}/account/whoami", headers=headers))
        homeserver.process.says(r"203\.0\.113\.7 - .*GET /_matrix/client/v3/account/whoami")

    def test_who_asks_over_tcp(self, homeserver: Homeserver, alice: User) -> None:
        right(alice.client.get(f"{CLIENT}/account/whoami"))
        homeserver.process.says(r"127\.0\.0\.1 - .*GET /_matrix/client/v3/account/whoami")

    def test_certificates_are_read_anew(self, homeserver: Homeserver) -> None:
        """At SIGHUP, Synapse reads the factory of each port."""
        said = homeserver.process.tell(signal.SIGHUP)
        homeserver.process.says("Context factories updated", after=said)
        with homeserver.secure_client() as client, homeserver.client() as plain:
            assert right(client.get("/_matrix/client/versions")) == right(plain.get("/_matrix/client/versions"))


def test_its_end(tmp_path: Path) -> None:
    """While a client waits, the server ends at once and closes its socket."""
    with running(tmp_path) as homeserver, user(homeserver, "carol") as carol:
        since = carol.caught_up()
        with asking(homeserver, f"{CLIENT}/sync?timeout=60000&since={since}", carol) as asked:
            assert homeserver.process.stop() == 0
            with suppress(ConnectionResetError):
                assert asked.recv(1) == b""
        assert not homeserver.socket.exists()
    assert not FAULTS.search(homeserver.process.said), homeserver.process.said
