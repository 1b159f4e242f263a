"""`Site` and `Site.app`: listening with Twisted's own ports."""

import resource
import socket
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.server.fake_reactor import HELLO, LONG_TURNS, Reactor, make
from twisted.internet import unix
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IProtocolFactory, IProtocolNegotiationFactory
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from ropewalk import App, Limits, Resource, Site
from ropewalk.server import app_of


class TestSite:
    def make(self) -> tuple[Reactor, Site, StringTransport, Any]:
        reactor = Reactor()
        site = Site(make(), limits=LONG_TURNS, reactor=reactor)
        site.doStart()
        transport = StringTransport()
        protocol = site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 50000))
        protocol.makeConnection(transport)
        return reactor, site, transport, protocol

    def test_it_is_a_factory(self) -> None:
        site = Site(Resource())
        assert verifyObject(IProtocolFactory, site)
        assert verifyObject(IProtocolNegotiationFactory, site)
        assert site.acceptableProtocols() == [b"http/1.1"]

    def test_over_a_transport_that_is_not_a_socket(self) -> None:
        reactor, site, transport, protocol = self.make()
        protocol.dataReceived(HELLO)
        assert transport.value().startswith(b"HTTP/1.1 200 OK\r\n")
        assert transport.value().endswith(b"\r\n\r\nHello")
        assert transport.producer is not None
        protocol.dataReceived(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert transport.disconnecting
        protocol.connectionLost(None)
        site.doStop()
        assert not reactor.getReaders()

    def test_a_full_transport_is_not_written_to(self) -> None:
        _, site, transport, protocol = self.make()
        protocol.pauseProducing()
        protocol.dataReceived(HELLO)
        assert transport.value() == b""
        protocol.resumeProducing()
        assert transport.value().endswith(b"Hello")
        protocol.connectionLost(None)
        site.doStop()

    def test_bad_input_closes(self) -> None:
        _, site, transport, protocol = self.make()
        protocol.dataReceived(b"nonsense\r\n\r\n")
        assert transport.value().startswith(b"HTTP/1.1 400 ")
        protocol.readConnectionLost()
        assert transport.disconnecting
        protocol.connectionLost(None)
        site.doStop()

    @pytest.mark.parametrize("half_close", [False, True])
    def test_a_client_that_stops_sending(self, half_close: bool) -> None:
        waiting: Deferred[str] = Deferred(lambda _: None)
        app = make()
        app.get("/waiting")(lambda request: waiting)
        site = Site(app, limits=LONG_TURNS, reactor=Reactor(), half_close=half_close)
        site.doStart()
        transport = StringTransport()
        protocol = site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 50000))
        protocol.makeConnection(transport)
        protocol.dataReceived(b"GET /waiting HTTP/1.1\r\nHost: localhost\r\n\r\n")
        protocol.readConnectionLost()
        assert (transport.disconnecting, waiting.called) == (not half_close, not half_close)
        if half_close:
            waiting.callback("late")
            site._running().engine.turn()
            assert transport.value().endswith(b"\r\n\r\nlate")
            assert transport.disconnecting
        protocol.connectionLost(None)
        site.doStop()

    def test_a_client_that_does_not_read_the_last_bytes_is_cut_off(self) -> None:
        reactor, site, transport, protocol = self.make()
        protocol.dataReceived(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert (transport.disconnecting, transport.disconnected) == (True, False)
        reactor.advance(Limits().write_timeout)
        assert transport.disconnected
        protocol.connectionLost(None)
        site.doStop()

    def test_a_complete_response_before_one_that_is_cut_off_is_sent(self) -> None:
        reactor = Reactor()
        app = make()
        app.get("/cut")(lambda request: request.abort())
        site = Site(app, limits=LONG_TURNS, reactor=reactor)
        site.doStart()
        transport = StringTransport()
        protocol = site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 50000))
        protocol.makeConnection(transport)
        protocol.dataReceived(HELLO + b"GET /cut HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert transport.value().endswith(b"\r\n\r\nHello")
        assert (transport.disconnecting, transport.disconnected) == (True, False)
        protocol.connectionLost(None)
        site.doStop()

    def test_calls_after_the_end_do_nothing(self) -> None:
        _, site, transport, protocol = self.make()
        protocol.connectionLost(None)
        protocol.dataReceived(HELLO)
        protocol.pauseProducing()
        protocol.resumeProducing()
        protocol.readConnectionLost()
        assert transport.value() == b""
        site.doStop()

    def test_a_transport_that_is_lost_is_left_alone(self) -> None:
        """When a TLS transport has lost its connection, its methods are not called any more, because they would raise
        AttributeError."""
        reactor, site, _transport, protocol = self.make()
        protocol.connectionLost(None)
        protocol._transport = None
        timers = reactor.getDelayedCalls()
        protocol.write(b"late")
        protocol.pause_reading()
        protocol.resume_reading()
        protocol.end_writing()
        protocol.close()
        protocol.abort()
        assert reactor.getDelayedCalls() == timers
        site.doStop()

    def test_nothing_is_read_before_the_app_has_started(self) -> None:
        hook: Deferred[None] = Deferred()
        site, transport, protocol = self.make_starting(hook)
        assert transport.producerState == "paused"
        hook.callback(None)
        assert transport.producerState == "producing"
        protocol.dataReceived(HELLO)
        assert transport.value().endswith(b"Hello")
        protocol.connectionLost(None)
        site.doStop()

    def test_connections_to_an_app_that_does_not_start_are_aborted(self, log: Log) -> None:
        hook: Deferred[None] = Deferred()
        site, transport, _ = self.make_starting(hook)
        hook.errback(ZeroDivisionError())
        assert transport.disconnecting
        assert "RW403" in log.text
        site.doStop()

    def test_a_client_that_leaves_while_the_app_starts(self) -> None:
        hook: Deferred[None] = Deferred()
        site, transport, protocol = self.make_starting(hook)
        protocol.connectionLost(None)
        hook.callback(None)
        assert transport.producer is None
        site.doStop()

    def make_starting(self, hook: Deferred[None]) -> tuple[Site, StringTransport, Any]:
        app = make()
        app.on_start(lambda: hook)
        site = Site(app, limits=LONG_TURNS, reactor=Reactor())
        site.doStart()
        transport = StringTransport()
        protocol = site.buildProtocol(None)
        protocol.makeConnection(transport)
        return site, transport, protocol

    def test_a_socket_that_cannot_be_adopted_without_a_free_descriptor(self) -> None:
        reactor = Reactor()
        site = Site(make(), limits=LONG_TURNS, reactor=reactor)
        site.doStart()
        protocol = site.buildProtocol(None)
        ours, client = socket.socketpair()
        transport = unix.Server(ours, protocol, None, None, 0, reactor)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            protocol.makeConnection(transport)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        with client:
            client.sendall(HELLO)
            transport.doRead()
            transport.doWrite()
            assert client.recv(1000).endswith(b"Hello")
        transport.connectionLost(Failure(ConnectionDone()))
        site.doStop()

    def test_it_may_listen_again(self) -> None:
        reactor, site, _, protocol = self.make()
        protocol.connectionLost(None)
        site.doStop()
        site.doStart()
        assert reactor.getReaders()
        site.doStop()
        assert not reactor.getReaders()


class TestAppOf:
    def test_apps_sites_and_resources(self) -> None:
        app = App()
        assert app_of(app) is app
        assert app_of(Site(app)) is app
        root = Resource()
        assert app_of(root).resource.tree_node.mounted is root
