"""Replacing the classes of twisted.web, and restoring them."""

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.protocol import ServerFactory
from twisted.protocols.policies import WrappingFactory
from twisted.web import http, server
from twisted.web.resource import Resource

from ropewalk.dropin import accelerate, limits_of
from ropewalk.dropin.connection.channel import HTTPChannel
from ropewalk.dropin.entry.monkeypatch import LISTENING, replace
from ropewalk.dropin.request.lenient import LenientRequest
from ropewalk.dropin.request.request import Request
from ropewalk.errors import StartError


def present_values() -> list[object]:
    """Return the current value of everything that can be replaced."""
    return [
        http.HTTPChannel,
        HTTPChannel.limits,
        server.Request,
        server.Site.requestFactory,
        Resource.putChild,
        *(vars(PosixReactorBase)[name] for name in LISTENING),
    ]


def differences(before: list[object], after: list[object]) -> list[bool]:
    return [one is not other for one, other in zip(before, after, strict=True)]


def test_everything_is_replaced_and_restored() -> None:
    before = present_values()
    with replace(limits={"body_size": 10}):
        assert all(differences(before, present_values()))
        assert http.HTTPChannel is HTTPChannel
        assert server.Request is server.Site.requestFactory is LenientRequest
        assert HTTPChannel.limits == {"body_size": 10}
    assert not any(differences(before, present_values()))


def test_parts_can_be_replaced() -> None:
    before = present_values()
    with replace(request=None, listening=False):
        assert differences(before, present_values()) == [True, *[False] * (len(before) - 1)]
    with replace(channel=None, request=None):
        assert differences(before, present_values()) == [False] * 5 + [True] * 3
    with replace(channel=None, request=Request, listening=False):
        assert differences(before, present_values()) == [False, False, True, True, False, False, False, False]
    replaced = replace()
    replaced.close()
    assert not any(differences(before, present_values()))


def test_programs_derive_from_our_classes() -> None:
    with replace():

        class Channel(http.HTTPChannel):
            pass

        class Custom(server.Request):
            pass

        site = server.Site(Resource(), requestFactory=Custom, reactor=None)
        assert isinstance(site.buildProtocol(None)._channel, HTTPChannel)
    assert issubclass(Channel, HTTPChannel)
    assert issubclass(Custom, LenientRequest)


def test_putChild_accepts_str() -> None:
    child = Resource()
    with replace():
        root = Resource()
        root.putChild("größe", child)  # type: ignore[arg-type]
        root.putChild(b"bytes", child)
        assert root.children == {"größe".encode(): child, b"bytes": child}
    with pytest.raises(TypeError, match="must be bytes"):
        root.putChild("again", child)  # type: ignore[arg-type]


class TestListening:
    def test_the_engine_accepts_for_a_site(self, reactor: Any, tmp_path: Path) -> None:
        said: list[str] = []
        site = server.Site(Resource(), reactor=reactor)
        with replace(served=said.append):
            tcp = reactor.listenTCP(0, site, interface="127.0.0.1")
            six = reactor.listenTCP(0, site, 50, "::1")
            unix = reactor.listenUNIX(str(tmp_path / "a.sock"), site)
            adopted = reactor.adoptStreamPort(tcp.fileno(), tcp.addressFamily, site)
        ports = tcp.getHost().port, six.getHost().port
        assert said == [
            f"http://127.0.0.1:{ports[0]}",
            f"http://[::1]:{ports[1]}",
            f"unix:{tmp_path}/a.sock",
            f"http://127.0.0.1:{ports[0]}",
        ]
        assert not {tcp, six, unix, adopted} & set(reactor.getReaders())

    def test_twisted_accepts_for_other_factories(self, reactor: Any) -> None:
        said: list[str] = []
        with replace(served=said.append):
            wrapping = reactor.listenTCP(0, WrappingFactory(server.Site(Resource(), reactor=reactor)))
            assert said == [f"http://0.0.0.0:{wrapping.getHost().port}"]
            other = reactor.listenTCP(0, ServerFactory())
            assert len(said) == 1
        assert {wrapping, other} <= set(reactor.getReaders())

    def test_connections_that_twisted_serves_are_reported(self, reactor: Any) -> None:
        reported: list[tuple[str, str]] = []
        site = server.Site(Resource(), reactor=reactor)
        with replace(kept=lambda reason, address: reported.append((reason, address))):
            site.protocol = type("Own", (http.HTTPChannel,), {})  # type: ignore[method-assign]
            reactor.listenTCP(0, site, interface="127.0.0.1")
            assert reported == []
            site.protocol = type("Timed", (http.HTTPChannel,), {"setTimeout": print})  # type: ignore[method-assign]
            reactor.listenTCP(0, site, interface="127.0.0.1")
        ((reason, address),) = reported
        assert reason.startswith("RW740 Connections of ")
        assert reason.endswith(".Timed stay on Twisted's own channel: setTimeout is overridden.")
        assert address.startswith("http://127.0.0.1:")

    def test_limits(self, reactor: Any) -> None:
        site = server.Site(Resource(), reactor=reactor)
        with replace(limits={"idle_timeout": 7, "body_size": 10}):
            reactor.listenTCP(0, site, interface="127.0.0.1")
            reactor.listenTCP(0, site, interface="127.0.0.1")
        assert site.timeOut == 7

    def test_limits_of_the_site_have_priority(self, reactor: Any) -> None:
        site = server.Site(Resource(), reactor=reactor)
        accelerate(site, limits=limits_of(site).replace(body_size=20))
        with replace(limits={"body_size": 10}):
            assert reactor.listenTCP(0, site, interface="127.0.0.1") not in reactor.getReaders()
            with pytest.raises(StartError, match="RW404"):
                accelerate(site, limits=limits_of(site).replace(body_size=30))
