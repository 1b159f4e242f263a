"""Resources of twisted.web that render with a function, and apps in which they are mounted."""

from collections.abc import Callable
from typing import Any

from tests.unit.dropin.world import Client as Wire
from tests.unit.dropin.world import World
from twisted.internet.address import IPv4Address
from twisted.web.resource import IResource
from twisted.web.resource import Resource as TwistedResource

from ropewalk import App, Request, Response
from ropewalk.middleware import Next
from ropewalk.server import Service
from ropewalk.server.reactor_watch import watch

Renderer = Callable[[Any], Any]


class Leaf(TwistedResource):
    """Renders GET and POST with a function."""

    isLeaf = True

    def __init__(self, render: Renderer) -> None:
        super().__init__()
        self.render_GET = self.render_POST = render


def tree(**children: Any) -> TwistedResource:
    root = TwistedResource()
    for name, child in children.items():
        root.putChild(name.encode(), child if IResource.providedBy(child) else Leaf(child))
    return root


def shown(*values: Any) -> bytes:
    return repr(values).encode()


def mount(thing: Any, at: str = "/legacy", **options: Any) -> App:
    app = App(**options)
    app.mount(at, thing if IResource.providedBy(thing) else Leaf(thing))
    return app


class Served:
    """An app on a real socket."""

    def __init__(self, world: World, app: App) -> None:
        self.world = world
        self._service = Service(app, world.reactor.callLater)
        self._unwatch = watch(self._service.engine, world.reactor)
        engine = self._service.engine
        self._address: Any = engine.address(engine.listen_tcp("127.0.0.1", 0))

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", *self._address)

    def connect(self) -> Wire:
        return self.world.connect(self)

    def until(self, done: Callable[[], object]) -> None:
        self.world.until(done)

    def begin_stop(self) -> None:
        self._service.stopping.fire()

    def close(self) -> None:
        self._service.close()
        self._unwatch()


async def pass_on(request: Request, next: Next) -> Response:
    """A middleware that does nothing."""
    return await next(request)
