"""Sites that render with a function, their clients, and a protocol that is not HTTP."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.unit.dropin.world import Client, World
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web import resource
from twisted.web.server import Site

from ropewalk._engine import Limits
from ropewalk.dropin import HTTPChannel, limits_of


class Page(resource.Resource):
    """A resource that renders with a function."""

    isLeaf = True

    def __init__(self, render: Callable[[Any], Any]) -> None:
        super().__init__()
        self.render = render  # type: ignore[method-assign]


def site(world: World, render: Callable[[Any], Any], **options: Any) -> Site:
    made = Site(Page(render), reactor=world.reactor, **options)
    made.log = lambda request: None  # type: ignore[method-assign]
    return made


def serve(world: World, way: str, render: Callable[[Any], Any], limits: Limits | None = None) -> Client:
    return world.connect(world.listen(site(world, render), way, limits))


@contextmanager
def limited(there: World, way: str, **limits: float) -> Iterator[Client]:
    """A client of a site with some limits."""
    factory = site(there, lambda request: b"")
    HTTPChannel.limits = limits
    try:
        yield there.connect(there.listen(factory, way, None if way == "fed" else limits_of(factory, limits)))
    finally:
        HTTPChannel.limits = {}


class Echo(Protocol):
    """A protocol that is not HTTP."""

    transport: Any

    def __init__(self) -> None:
        self.lost: list[Failure] = []

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data.upper())

    def connectionLost(self, reason: Any = None) -> None:
        self.lost.append(reason)
