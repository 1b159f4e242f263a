"""A connection over TLS, without sockets: the handshake and its deadline, and clients that do not use TLS."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from tests.certificates import Files, make_files
from tests.unit.conftest import Log
from tests.unit.server.fake_reactor import HELLO, Reactor, make
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from ropewalk import Limits
from ropewalk.server import TLSOptions
from ropewalk.server.server import Server
from ropewalk.server.tls import ServerTLS
from ropewalk.server.tls.connection import PLAIN_HTTP, HTTPSProtocol
from ropewalk.server.tls.port import HTTPSFactory, TLSFactory

LIMITS = Limits(turn_time=60)


class Peer:
    """A client of a server without sockets."""

    def __init__(self, files: Files, limits: Limits = LIMITS, minimum_version: Any = "1.2", **client: Any) -> None:
        self.reactor = Reactor()
        self.server = Server(make(), self.reactor, limits)
        tls = ServerTLS(TLSOptions(certificate=files.certificate, key=files.key, minimum_version=minimum_version))
        self.factory = TLSFactory(tls, False, HTTPSFactory(self.server), self.reactor)
        self.factory.doStart()
        self.protocol: Any = self.factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 50000))
        self.transport = StringTransport()
        self.protocol.makeConnection(self.transport)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=str(files.certificate))
        for name, value in client.items():
            if name == "alpn":
                context.set_alpn_protocols(value)
            else:
                setattr(context, name, value)
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    def exchange(self) -> None:
        """Pass on the bytes that either side has written."""
        sent = self.outgoing.read()
        if sent:
            self.protocol.dataReceived(sent)
        self.reactor.advance(0)  # Twisted's transport collects small writes
        self.incoming.write(self.transport.value())
        self.transport.clear()

    def shake_hands(self) -> None:
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.exchange()
            else:
                break
        self.exchange()

    def end(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.factory.doStop()
        self.server.stop()
        assert self.reactor.getDelayedCalls() == []


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return make_files(tmp_path)


class TestHandshake:
    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_a_request(self, files: Files, version: ssl.TLSVersion) -> None:
        peer = Peer(files, maximum_version=version)
        peer.shake_hands()
        peer.tls.write(HELLO)
        peer.exchange()
        assert peer.tls.read().endswith(b"\r\n\r\nHello")
        peer.end()

    def test_a_request_byte_by_byte(self, files: Files) -> None:
        peer = Peer(files)
        with pytest.raises(ssl.SSLWantReadError):
            peer.tls.do_handshake()
        hello = peer.outgoing.read()
        for each in hello:
            peer.protocol.dataReceived(bytes([each]))
        peer.reactor.advance(0)
        peer.incoming.write(peer.transport.value())
        peer.transport.clear()
        peer.shake_hands()
        peer.tls.write(HELLO)
        peer.exchange()
        assert peer.tls.read().endswith(b"\r\n\r\nHello")
        peer.end()

    def test_one_that_takes_too_long_is_cut_off(self, files: Files, debug_log: Log) -> None:
        peer = Peer(files, Limits(head_timeout=5, turn_time=60))
        with pytest.raises(ssl.SSLWantReadError):
            peer.tls.do_handshake()
        peer.protocol.dataReceived(peer.outgoing.read()[:20])
        states = []
        for seconds in (4.9, 0.2):
            peer.reactor.advance(seconds)
            states.append(peer.transport.disconnected)
        assert states == [False, True]
        peer.end()
        assert "the TLS handshake took longer than head_timeout." in debug_log.text

    def test_a_completed_one_is_not_cut_off(self, files: Files) -> None:
        peer = Peer(files, Limits(head_timeout=5, turn_time=60))
        peer.shake_hands()
        peer.tls.write(HELLO)
        peer.exchange()
        peer.tls.read()
        peer.reactor.advance(6)
        assert not peer.transport.disconnected
        peer.end()

    def test_no_deadline(self, files: Files) -> None:
        peer = Peer(files, Limits(head_timeout=0, turn_time=60))
        peer.reactor.advance(1000)
        assert not peer.transport.disconnected
        peer.end()

    def test_an_old_version(self, files: Files, debug_log: Log) -> None:
        peer = Peer(files, minimum_version="1.3", maximum_version=ssl.TLSVersion.TLSv1_2)
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            peer.shake_hands()
        peer.end()
        assert "is disconnected: the TLS handshake failed: unsupported protocol." in debug_log.text

    def test_a_client_that_refuses_the_certificate(self, files: Files, tmp_path: Path, log: Log) -> None:
        peer = Peer(files)
        other = make_files(tmp_path, name="other")
        context = ssl.create_default_context(cafile=str(other.certificate))
        peer.tls = context.wrap_bio(peer.incoming, peer.outgoing, server_hostname="localhost")
        with pytest.raises(ssl.SSLCertVerificationError):
            peer.shake_hands()
        peer.exchange()
        assert peer.transport.disconnecting
        peer.end()
        assert log == []

    @pytest.mark.parametrize("length", [0, 1, 3, 50])
    def test_a_client_that_leaves(self, files: Files, debug_log: Log, length: int) -> None:
        peer = Peer(files)
        with pytest.raises(ssl.SSLWantReadError):
            peer.tls.do_handshake()
        if length:
            peer.protocol.dataReceived(peer.outgoing.read()[:length])
        peer.end()
        (event,) = debug_log
        assert (event["log_level"].name, event["reason"]) == ("debug", "it left before the end of the handshake")


class TestEndings:
    def ask(self, peer: Peer, request: bytes) -> None:
        peer.shake_hands()
        peer.tls.write(request)
        peer.exchange()
        assert peer.tls.read().startswith(b"HTTP/1.1 200 OK")

    def has_close_notify(self, peer: Peer) -> bool:
        peer.exchange()
        try:
            return peer.tls.read() == b""
        except ssl.SSLZeroReturnError:
            return True
        except ssl.SSLWantReadError:
            return False

    def test_the_last_response_does_not_wait_for_close_notify(self, files: Files) -> None:
        peer = Peer(files)
        self.ask(peer, HELLO.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert self.has_close_notify(peer)
        assert peer.transport.disconnecting
        peer.end()

    def test_a_client_that_leaves_in_a_body(self, files: Files) -> None:
        peer = Peer(files)
        peer.shake_hands()
        peer.tls.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nsome")
        peer.exchange()
        peer.end()
        assert peer.server.pipes == set()


class TestProtocols:
    @pytest.mark.parametrize("offered", [["http/1.1"], ["h2", "http/1.1"], ["http/1.0", "http/1.1"]])
    def test_http_1_is_chosen(self, files: Files, offered: list[str]) -> None:
        peer = Peer(files, alpn=offered)
        peer.shake_hands()
        assert peer.tls.selected_alpn_protocol() == "http/1.1"
        peer.end()

    def test_a_client_that_offers_none(self, files: Files) -> None:
        peer = Peer(files)
        peer.shake_hands()
        assert peer.tls.selected_alpn_protocol() is None
        peer.end()

    def test_a_client_that_offers_others_only_is_refused(self, files: Files) -> None:
        peer = Peer(files, alpn=["h2"])
        with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
            peer.shake_hands()
        peer.end()


class TestPlainHTTP:
    @pytest.mark.parametrize("data", [HELLO, b"G", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"get"])
    def test_a_hint(self, files: Files, data: bytes, debug_log: Log) -> None:
        peer = Peer(files)
        peer.protocol.dataReceived(data)
        assert peer.transport.value() == PLAIN_HTTP
        assert peer.transport.disconnecting
        peer.protocol.dataReceived(b"more")
        peer.end()
        assert "it uses plain HTTP on a port for HTTPS" in debug_log.text

    @pytest.mark.parametrize(
        "data", [b"\x00" * 50, b"\x16\x03\x01\xff\xff" + b"x" * 50, b"\xff", b" GET /", b"\x80\x2e\x01"]
    )
    def test_other_bytes(self, files: Files, data: bytes, debug_log: Log) -> None:
        peer = Peer(files)
        peer.protocol.dataReceived(data)
        assert b"HTTP" not in peer.transport.value()
        peer.end()
        assert {event["log_level"].name for event in debug_log} == {"debug"}


def test_the_interface(files: Files) -> None:
    peer = Peer(files)
    assert verifyObject(IHandshakeListener, HTTPSProtocol(peer.server))
    peer.end()
