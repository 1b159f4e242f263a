"""Connections that mounted resources switch to another protocol."""

from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.dropin.mounts import Renderer, mount, pass_on
from tests.unit.dropin.world import in_thread
from tests.versions import needs_websocket
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET


class Shout(Protocol):
    """Sends back everything in upper case, and records its events."""

    transport: Any

    def __init__(self) -> None:
        self.ends: list[Any] = []

    def dataReceived(self, data: bytes) -> None:
        if data == b"bye":
            self.transport.loseConnection()
        elif data == b"cut":
            self.transport.abortConnection()
        else:
            self.transport.write(data.upper())

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.ends.append(reason.type)


def upgrade_to(protocol: Protocol) -> Renderer:
    def render(request: Any) -> int:
        transport = request.channel.transport
        request.channel.transport = None
        transport.protocol = protocol
        protocol.makeConnection(transport)
        transport.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        return NOT_DONE_YET

    return render


class TestClosing:
    @pytest.mark.parametrize("middleware", [False, True])
    def test_a_close_in_place_of_a_response(self, serve: Any, log: Log, middleware: bool) -> None:
        def render(request: Any) -> int:
            request.transport.loseConnection()
            return NOT_DONE_YET

        app = mount(render)
        if middleware:
            app.middleware(pass_on)
        client = serve(app).connect()
        client.get("/legacy")
        assert client.rest() == b""
        assert "AttributeError" not in log.text


class TestUpgrades:
    @pytest.mark.parametrize("middleware", [False, True])
    def test_raw_bytes_in_both_directions(self, serve: Any, middleware: bool) -> None:
        shout = Shout()
        app = mount(upgrade_to(shout))
        if middleware:
            app.middleware(pass_on)
        server = serve(app)
        client = server.connect()
        client.get("/legacy")
        client.until(b"\r\n\r\n")
        client.send(b"hello")
        assert client.until(b"HELLO") == b"HELLO"
        client.send(b"bye")
        client.rest()
        server.until(lambda: shout.ends)
        assert shout.ends == [ConnectionDone]

    def test_a_thread_writes_and_closes(self, serve: Any) -> None:
        shout = Shout()

        def render(request: Any) -> int:
            transport = request.channel.transport
            upgrade_to(shout)(request)

            def work() -> None:
                transport.write(b"one")
                transport.write(b"two")
                transport.loseConnection()

            in_thread(work)
            transport.write(b"three")
            return NOT_DONE_YET

        server = serve(mount(render))
        client = server.connect()
        client.get("/legacy")
        assert client.rest().endswith(b"\r\n\r\nonetwo")
        server.until(lambda: shout.ends)
        assert shout.ends == [ConnectionDone]

    def test_bytes_that_arrive_with_the_request(self, serve: Any) -> None:
        client = serve(mount(upgrade_to(Shout()))).connect()
        client.send(b"GET /legacy HTTP/1.1\r\nHost: a\r\n\r\nearly")
        assert client.until(b"EARLY").endswith(b"\r\n\r\nEARLY")

    @pytest.mark.parametrize(("resets", "reason"), [(True, ConnectionLost), (False, ConnectionDone)])
    def test_the_client_disconnects(self, serve: Any, resets: bool, reason: type) -> None:
        shout = Shout()
        server = serve(mount(upgrade_to(shout)))
        client = server.connect()
        client.get("/legacy")
        client.until(b"\r\n\r\n")
        if resets:
            client.socket.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
        client.socket.close()
        server.until(lambda: shout.ends)
        assert shout.ends == [reason]

    def test_connectionLost_is_called_after_the_protocol_has_returned(self, serve: Any) -> None:
        class Closing(Shout):
            def dataReceived(self, data: bytes) -> None:
                super().dataReceived(data)
                self.ends.append("returned")

        closing = Closing()
        server = serve(mount(upgrade_to(closing)))
        client = server.connect()
        client.get("/legacy")
        client.until(b"\r\n\r\n")
        client.send(b"bye")
        server.until(lambda: len(closing.ends) == 2)
        assert closing.ends == ["returned", ConnectionDone]

    def test_the_program_aborts_the_connection(self, serve: Any) -> None:
        shout = Shout()
        server = serve(mount(upgrade_to(shout)))
        client = server.connect()
        client.get("/legacy")
        client.until(b"\r\n\r\n")
        client.send(b"cut")
        client.rest()
        assert shout.ends == [ConnectionAborted]

    def test_a_client_that_does_not_read(self, serve: Any) -> None:
        class Flood(Shout):
            left = 160
            going = False

            def dataReceived(self, data: bytes) -> None:
                self.transport.registerProducer(self, True)
                self.resumeProducing()

            def resumeProducing(self) -> None:
                self.going = True
                while self.going and self.left:
                    self.transport.write(bytes(50_000))
                    self.left -= 1
                if self.going:
                    self.transport.unregisterProducer()
                    self.transport.loseConnection()

            def pauseProducing(self) -> None:
                self.going = False

            def stopProducing(self) -> None:
                self.going = False

        flood = Flood()
        server = serve(mount(upgrade_to(flood)))
        client = server.connect()
        client.get("/legacy")
        client.until(b"\r\n\r\n")
        client.send(b"flood")
        server.until(lambda: flood.left < 160)
        server.world.turn(300)
        assert 0 < flood.left < 160
        assert len(client.rest()) == 8_000_000

    def test_a_stop_closes_the_connection(self, serve: Any) -> None:
        shout = Shout()
        server = serve(mount(upgrade_to(shout)))
        client = server.connect()
        client.get("/legacy")
        client.until(b"\r\n\r\n")
        server.begin_stop()
        client.rest()
        server.until(lambda: shout.ends)
        assert shout.ends == [ConnectionDone]

    @pytest.mark.parametrize("patience", [0, 1])
    def test_a_stop_closes_a_websocket_of_autobahn(self, serve: Any, patience: float) -> None:
        class Autobahns(Shout):
            closeHandshakeTimeout = patience

            def sendCloseFrame(self, code: int, reasonUtf8: bytes | None, isReply: bool) -> None:
                assert (reasonUtf8, isReply) == (None, False)
                self.transport.write(b"close frame %d" % code)

        autobahns = Autobahns()
        server = serve(mount(upgrade_to(autobahns)))
        client = server.connect()
        client.get("/legacy")
        client.until(b"\r\n\r\n")
        server.begin_stop()
        assert client.until(b"1001").endswith(b"close frame 1001")
        if patience:
            assert not autobahns.ends
            client.send(b"bye")
        client.rest()
        server.until(lambda: autobahns.ends)
        assert autobahns.ends == [ConnectionDone]

    def test_a_stop_of_a_websocket_whose_close_frame_fails(self, serve: Any, log: Log) -> None:
        class Unready(Shout):
            def sendCloseFrame(self, **options: Any) -> None:
                raise LookupError("not yet connected")

        unready = Unready()
        server = serve(mount(upgrade_to(unready)))
        client = server.connect()
        client.get("/legacy")
        client.until(b"\r\n\r\n")
        server.begin_stop()
        client.rest()
        server.until(lambda: unready.ends)
        assert "not yet connected" in str(log[0]["log_failure"])

    def test_an_upgrade_by_the_head_of_a_response(self, serve: Any) -> None:
        """Some resources also call the request's `_cleanup` themselves."""
        shout = Shout()

        def render(request: Any) -> int:
            request.setResponseCode(101)
            request.setHeader("Upgrade", "shouting")
            request.write(b"")
            transport, request.transport = request.transport, None
            transport.protocol = shout
            shout.makeConnection(transport)
            request._cleanup()
            return NOT_DONE_YET

        server = serve(mount(render))
        client = server.connect()
        client.get("/legacy")
        head = client.until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
        assert b"\r\nUpgrade: shouting\r\n" in head
        assert b"Transfer-Encoding" not in head
        client.send(b"hello")
        assert client.until(b"HELLO") == b"HELLO"
        client.send(b"bye")
        client.rest()
        server.until(lambda: shout.ends)

    @needs_websocket
    @pytest.mark.parametrize("end", ["the client", "a stop"])
    def test_a_websocket(self, serve: Any, end: str) -> None:
        from twisted.web.websocket import WebSocketResource, WebSocketTransport
        from wsproto import ConnectionType, WSConnection
        from wsproto.events import AcceptConnection, CloseConnection, TextMessage
        from wsproto.events import Request as Opening

        class Echo:
            def negotiationStarted(self, transport: WebSocketTransport) -> None:
                self.transport = transport

            def negotiationFinished(self) -> None:
                self.transport.sendTextMessage("welcome")

            def textMessageReceived(self, message: str) -> None:
                self.transport.sendTextMessage(message.upper())

            def bytesMessageReceived(self, data: bytes) -> None: ...
            def pongReceived(self, payload: bytes) -> None: ...
            def connectionLost(self, reason: Any) -> None: ...

        class Factory:
            def buildProtocol(self, request: Any) -> Any:
                return Echo()

        server = serve(mount(WebSocketResource(Factory())))
        client = server.connect()
        connection = WSConnection(ConnectionType.CLIENT)
        client.send(connection.send(Opening(host="a", target="/legacy")))
        events: list[Any] = []

        def read(kind: type) -> bool:
            received, client.received = client.read(), b""
            if received:
                connection.receive_data(received)
                events.extend(connection.events())
            return any(isinstance(event, kind) for event in events)

        server.until(lambda: read(TextMessage))
        opened, welcome = events
        assert isinstance(opened, AcceptConnection)
        assert welcome.data == "welcome"
        events.clear()
        client.send(connection.send(TextMessage("hello")))
        server.until(lambda: read(TextMessage))
        assert events[0].data == "HELLO"
        if end == "the client":
            client.send(connection.send(CloseConnection(1000)))
        else:
            server.begin_stop()
        server.until(lambda: read(CloseConnection))
        closed = next(event for event in events if isinstance(event, CloseConnection))
        assert closed.code == (1000 if end == "the client" else 1001)
