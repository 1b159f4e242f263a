"""A node and its clients: web services, the HTTP bridge, and WAMP, over TCP, TLS, UNIX and a shared port."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from interop.crossbar import wamp
from interop.crossbar.node import BIG, MOST_CONNECTIONS, PRODUCED, Node, Way, running
from interop.processes import BIN, started
from interop.raw import handshake, masked, read_frame, read_head
from websockets.exceptions import InvalidStatus

FAULTS = re.compile(r"Traceback \(most recent call last\):$|Unhandled")
WAMP_OPENED = b"Sec-WebSocket-Protocol: wamp.2.json\r\n\r\n"


@pytest.fixture(scope="module", params=["started", "endpoint"])
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """With the second parameter, only the endpoint of the worker selects Ropewalk."""
    with running(tmp_path_factory.mktemp("node"), by_endpoint=request.param == "endpoint") as node:
        yield node
    found = faults(node.process.said)
    assert not found, "\n\n".join(found)


@pytest.fixture(scope="module", params=["web", "tls", "unix", "universal"])
def way(request: pytest.FixtureRequest, node: Node) -> Way:
    """The transport with all services."""
    if request.param not in node.ways:
        pytest.skip("Its factory is for more than HTTP, and not for the prefix.")
    return node.ways[request.param]


@pytest.fixture
def over_ip(way: Way, node: Node) -> None:
    """CGI, WSGI and the proxy of twisted.web need the address of the client, which does not exist on a UNIX socket."""
    if way is node.ways["unix"]:
        pytest.skip("A client of a UNIX socket has no address.")


@pytest.fixture
def client(way: Way) -> Iterator[HTTPConnection]:
    with closing(way.http()) as client:
        yield client


@pytest.fixture
def session(way: Way) -> Iterator[wamp.Session]:
    with way.websocket() as talker:
        yield wamp.over_websocket(talker)


def faults(said: str) -> list[str]:
    """Return the unexpected log lines of a node, with some lines of context."""
    lines = said.splitlines()
    return ["\n".join(lines[max(at - 3, 0) : at + 25]) for at, line in enumerate(lines) if FAULTS.search(line)]


def ask(
    client: HTTPConnection, path: str, method: str = "GET", body: Any = None, **headers: str
) -> tuple[HTTPResponse, bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    client.request(method, path, body, named, encode_chunked=named.get("Transfer-Encoding") == "chunked")
    response = client.getresponse()
    return response, response.read()


def post(client: HTTPConnection, path: str, **event: Any) -> tuple[int, Any]:
    """The status and the object of a response of the HTTP bridge."""
    response, body = ask(client, path, "POST", json.dumps(event), Content_Type="application/json")
    return response.status, json.loads(body)


class TestWeb:
    def test_page(self, client: HTTPConnection) -> None:
        response, body = ask(client, "/")
        assert (response.status, body) == (200, b"<p>a page</p>")
        assert response.headers["Content-Type"] == "text/html"
        assert response.headers["Server"].startswith("Crossbar/")

    def test_head(self, client: HTTPConnection) -> None:
        for _ in range(2):
            response, body = ask(client, "/big.bin", "HEAD")
            assert (response.status, response.headers["Content-Length"], body) == (200, str(len(BIG)), b"")

    def test_file(self, client: HTTPConnection) -> None:
        assert ask(client, "/big.bin")[1] == BIG

    def test_part_of_a_file(self, client: HTTPConnection) -> None:
        response, body = ask(client, "/big.bin", Range="bytes=100000-2099999")
        assert response.status == 206
        assert response.headers["Content-Range"] == f"bytes 100000-2099999/{len(BIG)}"
        assert body == BIG[100_000:2_100_000]

    def test_file_that_is_known(self, client: HTTPConnection) -> None:
        changed = ask(client, "/big.bin", "HEAD")[0].headers["Last-Modified"]
        response, body = ask(client, "/big.bin", If_Modified_Since=changed)
        assert (response.status, body) == (304, b"")

    def test_what_is_not_there(self, client: HTTPConnection) -> None:
        response, body = ask(client, "/nothing")
        assert response.status == 404
        assert b"Crossbar" in body

    def test_json(self, client: HTTPConnection) -> None:
        response, body = ask(client, "/json", Origin="http://example.com")
        assert json.loads(body) == {"name": "ä"}
        assert response.headers["Access-Control-Allow-Origin"] == "http://example.com"

    def test_nested_path(self, client: HTTPConnection) -> None:
        assert json.loads(ask(client, "/add/json")[1]) == [1, 2]
        assert ask(client, "/add/nothing")[0].status == 404

    def test_redirect(self, client: HTTPConnection) -> None:
        response, _ = ask(client, "/moved")
        assert (response.status, response.headers["Location"]) == (302, "/json")

    def test_node_info(self, client: HTTPConnection) -> None:
        response, body = ask(client, "/info")
        assert response.status == 200
        assert b"Crossbar" in body

    @pytest.mark.usefixtures("over_ip")
    def test_script(self, client: HTTPConnection) -> None:
        assert ask(client, "/cgi/script.py")[1] == b"by a script\n"

    def test_producer(self, client: HTTPConnection) -> None:
        assert ask(client, "/echo")[1] == PRODUCED

    @pytest.mark.parametrize("size", [0, 1, 100_001, 5_000_000])
    def test_upload(self, client: HTTPConnection, size: int) -> None:
        body = (bytes(range(256)) * (size // 256 + 1))[:size]
        assert ask(client, "/echo", "POST", body)[1] == body

    def test_upload_in_chunks(self, client: HTTPConnection) -> None:
        pieces = [bytes([number]) * 50_000 for number in range(20)]
        body = ask(client, "/echo", "POST", iter(pieces), Transfer_Encoding="chunked")[1]
        assert body == b"".join(pieces)

    @pytest.mark.usefixtures("over_ip")
    @pytest.mark.parametrize("size", [0, 10, 3_000_000])
    def test_wsgi(self, client: HTTPConnection, size: int) -> None:
        response, body = ask(client, "/wsgi/some/path", "POST", b"x" * size)
        assert (response.status, response.headers["X-Path"]) == (200, "/some/path")
        assert body == b"POST " + b"x" * size

    @pytest.mark.usefixtures("over_ip")
    def test_reverse_proxy(self, client: HTTPConnection) -> None:
        assert ask(client, "/reverse/big.bin")[1] == BIG

    def test_many_requests_on_one_connection(self, client: HTTPConnection) -> None:
        bodies = {ask(client, "/json")[1] for _ in range(100)}
        assert len(bodies) == 1

    def test_many_clients(self, way: Way) -> None:
        def served(_: int) -> bool:
            with closing(way.http()) as client:
                return ask(client, "/big.bin")[1] == BIG and ask(client, "/info")[0].status == 200

        with ThreadPoolExecutor(12) as threads:
            assert all(threads.map(served, range(36)))

    def test_pipelined_requests(self, way: Way) -> None:
        request = b"GET /json HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with way.dial() as client:
            client.sendall(request * 20 + request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            responses = client.makefile("rb").read()
        assert responses.count(b"HTTP/1.1 200 OK\r\n") == 21

    def test_client_that_leaves(self, way: Way, client: HTTPConnection) -> None:
        """A client leaves in the middle of a body, and other clients are still served."""
        for path in ("/big.bin", "/echo", "/info"):
            for _ in range(5):
                with way.dial() as leaving:
                    leaving.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                    leaving.recv(1000)
        assert ask(client, "/big.bin")[1] == BIG


class TestBridge:
    def test_call(self, client: HTTPConnection) -> None:
        assert post(client, "/call", procedure="example.add", args=[2, 3]) == (200, {"args": [5]})

    def test_call_of_a_client(self, client: HTTPConnection, session: wamp.Session) -> None:
        """The response waits for the client of the router."""
        session.register("example.of_a_client")
        body = json.dumps({"procedure": "example.of_a_client", "args": ["a"]})
        client.request("POST", "/call", body, {"Content-Type": "application/json"})
        number, arguments = session.invoked()
        assert arguments == ["a"]
        session.send(wamp.YIELD, number, {}, ["b" * 500_000])
        assert json.loads(client.getresponse().read()) == {"args": ["b" * 500_000]}

    def test_call_that_fails(self, client: HTTPConnection) -> None:
        status, result = post(client, "/call", procedure="example.fail")
        assert (status, result["error"], result["args"]) == (200, "example.error", ["as it should"])

    def test_call_of_nothing(self, client: HTTPConnection) -> None:
        status, result = post(client, "/call", procedure="example.nothing")
        assert (status, result["error"]) == (200, "wamp.error.no_such_procedure")

    def test_publish(self, client: HTTPConnection, session: wamp.Session) -> None:
        session.subscribe("example.news")
        for number in range(20):
            status, result = post(client, "/publish", topic="example.news", args=[number])
            assert (status, [*result]) == (200, ["id"])
        assert [session.event() for _ in range(20)] == [*range(20)]

    def test_webhook(self, client: HTTPConnection, session: wamp.Session) -> None:
        session.subscribe("example.hook")
        response, body = ask(client, "/hook", "POST", b"from outside", X_Two="2")
        assert (response.status, body) == (202, b"OK")
        message = session.event()
        assert message["body"] == "from outside"
        assert {name.lower(): value for name, value in message["headers"].items()}["x-two"] == ["2"]

    def test_what_is_not_understood(self, client: HTTPConnection) -> None:
        assert ask(client, "/call", "POST", b"{", Content_Type="application/json")[0].status == 400
        assert ask(client, "/call", "POST", b"{}", Content_Type="text/plain")[0].status == 400
        assert ask(client, "/call")[0].status == 405

    def test_another_origin(self, client: HTTPConnection) -> None:
        response, _ = ask(client, "/call", "OPTIONS", Origin="http://example.com")
        assert response.headers["Allow"] == "POST,PUT,OPTIONS"
        assert response.headers["Access-Control-Allow-Origin"] == "http://example.com"


class TestWebSocket:
    def test_call(self, session: wamp.Session) -> None:
        assert session.call("example.add", 2, 3) == 5

    def test_call_that_fails(self, session: wamp.Session) -> None:
        assert session.ask(wamp.CALL, "example.fail", reply=wamp.ERROR)[4] == "example.error"

    @pytest.mark.parametrize("size", [1, 125, 65_536, 3_000_000])
    def test_sizes(self, session: wamp.Session, size: int) -> None:
        assert session.call("example.text", size) == "x" * size

    def test_subscription(self, way: Way, session: wamp.Session) -> None:
        session.subscribe("example.topic")
        with way.websocket() as talker:
            other = wamp.over_websocket(talker)
            for size in (1, 100_000, 2_000_000):
                other.publish("example.topic", "y" * size)
                assert session.event() == "y" * size

    def test_procedure_of_a_client(self, way: Way, session: wamp.Session) -> None:
        session.register("example.own")
        with way.websocket() as talker:
            other = wamp.over_websocket(talker)
            other.send(wamp.CALL, 1, {}, "example.own", [7])
            number, arguments = session.invoked()
            session.send(wamp.YIELD, number, {}, [arguments[0] * 6])
            assert other.expect(wamp.RESULT)[3] == [42]

    def test_many(self, way: Way) -> None:
        with ExitStack() as stack:
            sessions = [wamp.over_websocket(stack.enter_context(way.websocket())) for _ in range(50)]
            for session in sessions:
                session.subscribe("example.all")
            sessions[0].publish("example.all", "to others")
            assert [session.event() for session in sessions[1:]] == ["to others"] * 49

    def test_goodbye(self, way: Way) -> None:
        """The client closes the session, or joins again."""
        with way.websocket() as talker:
            session = wamp.over_websocket(talker)
            session.leave()
            assert wamp.over_websocket(talker).id != session.id

    @pytest.mark.parametrize("end", ["close", "vanish"])
    def test_client_that_leaves(self, way: Way, session: wamp.Session, end: str) -> None:
        """If a client leaves, the router notifies the subscribers of `wamp.session.on_leave`."""
        session.subscribe("wamp.session.on_leave")
        with way.websocket() as talker:
            other = wamp.over_websocket(talker)
            if end == "vanish":
                talker.socket.transport.abort()
        assert session.event() == other.id

    def test_ping(self, way: Way) -> None:
        with way.websocket() as talker:
            assert talker.ping(b"there?") < 10

    def test_unknown_subprotocol(self, way: Way) -> None:
        with pytest.raises(InvalidStatus) as refused:
            way.websocket(subprotocols=["another"])
        assert refused.value.response.status_code == 400

    def test_page_in_place_of_it(self, client: HTTPConnection) -> None:
        response, body = ask(client, "/ws")
        assert response.status == 200
        assert b"WebSocket" in body

    def test_after_requests(self, way: Way) -> None:
        """The connection has had ordinary requests before, which reach the site of a universal transport."""
        with way.dial() as client:
            for _ in range(3):
                client.sendall(b"GET /json HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert read_head(client).startswith(b"HTTP/1.1 200 ")
                assert json.loads(client.recv(100)) == {"name": "ä"}
            client.sendall(asked())
            assert read_head(client).startswith(b"HTTP/1.1 101 ")
            client.sendall(masked(b'[1,"realm1",{"roles":{"caller":{}}}]'))
            assert client.recv(2)[0] == 0x81

    def test_in_a_hurry(self, way: Way) -> None:
        """A frame directly after the handshake, in one segment with it."""
        with way.dial() as client:
            client.sendall(asked() + masked(b"there?", 9))
            assert read_head(client).startswith(b"HTTP/1.1 101 ")
            assert read_frame(client) == (10, b"there?")


def asked() -> bytes:
    return handshake("/ws").removesuffix(b"\r\n") + WAMP_OPENED


class TestRawSocket:
    @pytest.fixture
    def raw(self, node: Node) -> Iterator[wamp.Session]:
        if "universal" not in node.ways:
            pytest.skip("Its factory is for more than HTTP, and not for the prefix.")
        with node.ways["universal"].dial() as client:
            yield wamp.over_rawsocket(client)

    def test_call(self, raw: wamp.Session) -> None:
        assert raw.call("example.add", 2, 3) == 5
        assert raw.call("example.text", 1_000_000) == "x" * 1_000_000

    def test_beside_websocket(self, node: Node, raw: wamp.Session) -> None:
        """A client with RawSocket publishes, and one with WebSocket receives it, on the same port."""
        with node.ways["universal"].websocket() as talker:
            other = wamp.over_websocket(talker)
            other.subscribe("example.both")
            raw.publish("example.both", "news")
            assert other.event() == "news"

    def test_beside_http(self, node: Node, raw: wamp.Session) -> None:
        raw.subscribe("example.both")
        with closing(node.ways["universal"].http()) as client:
            post(client, "/publish", topic="example.both", args=["news"])
        assert raw.event() == "news"


class TestMostConnections:
    """The factory of a transport counts its connections by a wrapper, and refuses those beyond its cap."""

    def refused(self, way: Way) -> bool:
        try:
            with way.dial() as client:
                client.sendall(b"GET /json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return client.recv(1) == b""
        except ConnectionError:
            return True

    @pytest.mark.parametrize("kind", ["http", "websocket"])
    def test_cap(self, node: Node, kind: str) -> None:
        """A connection that has ended leaves room for another."""
        way = node.ways["few"]
        for _ in range(3):
            with ExitStack() as stack:
                for _ in range(MOST_CONNECTIONS):
                    if kind == "http":
                        client = stack.enter_context(closing(way.http()))
                        assert ask(client, "/json")[0].status == 200
                    else:
                        wamp.over_websocket(stack.enter_context(way.websocket()))
                assert self.refused(way)
            self.wait_for_room(way)

    def wait_for_room(self, way: Way) -> None:
        """The factory is notified of the ends of its connections, in order."""
        for _ in range(200):
            if all(not self.refused(way) for _ in range(2)) and self.has_room(way):
                return
        pytest.fail("The connections that have ended are counted still.")

    def has_room(self, way: Way) -> bool:
        with ExitStack() as stack:
            try:
                clients = [stack.enter_context(way.dial()) for _ in range(MOST_CONNECTIONS)]
                for client in clients:
                    client.sendall(b"GET /json HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return all(client.recv(1) for client in clients)
            except ConnectionError:
                return False


class TestStop:
    @pytest.fixture
    def other(self, tmp_path: Path) -> Iterator[Node]:
        with running(tmp_path) as other:
            yield other

    def test_by_signal(self, other: Node) -> None:
        """A WebSocket and an idle connection are open."""
        with other.ways["web"].websocket() as talker, closing(other.ways["web"].http()) as client:
            session = wamp.over_websocket(talker)
            assert session.call("example.add", 1, 1) == 2
            assert ask(client, "/json")[0].status == 200
            other.process.stop()
        assert "Node worker router ended successfully" in other.process.said
        with pytest.raises(ConnectionRefusedError):
            other.ways["web"].dial()

    def test_by_command(self, other: Node) -> None:
        with started(BIN / "crossbar", "stop", "--cbdir", other.folder / ".crossbar") as stopping:
            assert stopping.popen.wait(60) == 0, stopping.said
        assert other.process.popen.wait(60) == 0
