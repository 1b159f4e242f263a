"""Which classes of Twisted are replaced by ours while the tests run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.python.monkey import MonkeyPatcher
from twisted.web import http, server

from ropewalk.dropin import Request
from ropewalk.dropin.entry.monkeypatch import replace


@dataclass
class Witness:
    """Counts how often the running test used our code."""

    channels: int = 0
    requests: int = 0
    ports: int = 0
    taken: int = 0

    def forget(self) -> None:
        """Reset the counts for another test."""
        self.channels = self.requests = self.ports = self.taken = 0

    def count(self, made: Any, name: str) -> None:
        """Count the new instances of a class in this attribute."""
        make = made.__init__

        def __init__(it: Any, *arguments: Any, **options: Any) -> None:
            setattr(self, name, getattr(self, name) + 1)
            make(it, *arguments, **options)

        made.__init__ = __init__

    def count_ports(self) -> None:
        """Count the ports that are opened for HTTP factories, and those of them on which the engine accepts."""
        from twisted.internet import reactor  # imported late: the program installs a reactor first

        listen = reactor.listenTCP

        def listenTCP(port: int, factory: Any, *arguments: Any, **options: Any) -> Any:
            opened: Any = listen(port, factory, *arguments, **options)
            if isinstance(factory, http.HTTPFactory):
                self.ports += 1
                self.taken += opened not in reactor.getReaders()
            return opened

        MonkeyPatcher((reactor, "listenTCP", listenTCP)).patch()


def nothing() -> Witness:
    """Replace nothing. A test that fails in this configuration fails on stock Twisted."""
    return Witness()


def our_channel() -> Witness:
    """Our channel, over Twisted's transports."""
    replace(request=None, listening=False)
    witness = Witness()
    witness.count(http.HTTPChannel, "channels")
    return witness


def our_request() -> Witness:
    """Our request, on Twisted's channel: for `server.Request`, and also for `http.Request`, its base."""
    replace(channel=None, request=Request, listening=False)
    MonkeyPatcher((http, "Request", WithoutSite), (http.HTTPChannel, "requestFactory", WithoutSite)).patch()
    witness = Witness()
    witness.count(Request, "requests")
    return witness


def everything() -> Witness:
    """All that `ropewalk exec` replaces: the channel, the request and the ports."""
    replace()
    witness = Witness()
    witness.count(http.HTTPChannel, "channels")
    witness.count(server.Request, "requests")
    witness.count_ports()
    return witness


class WithoutSite(Request):
    """Our request for the tests of `http.Request`, which have no site."""

    _rw_lazy = True
    defaultContentType = None
    process = http.Request.process

    def __init__(self, channel: Any, queued: Any = False, parsePOSTFormSubmission: bool = True) -> None:
        super().__init__(channel, queued, parsePOSTFormSubmission=parsePOSTFormSubmission)


WithoutSite.__name__ = "Request"  # a test compares the repr of a request

CONFIGURATIONS: dict[str, Callable[[], Witness]] = {
    "twisted": nothing,
    "channel": our_channel,
    "request": our_request,
    "exec": everything,
}
