"""Grafts an app, or a resource of Ropewalk, onto a twisted.web tree."""

from typing import Any

from twisted.web import resource, server

from ropewalk import calling
from ropewalk.app import App
from ropewalk.dropin.connection.channel import HTTPChannel
from ropewalk.dropin.graft.bridge import AppBridge
from ropewalk.dropin.graft.lifecycle import AppLifecycle
from ropewalk.dropin.mount.channel import MountedChannel
from ropewalk.errors import HostedError, StartError, TreeError, full_name, shown
from ropewalk.resource import is_twisted
from ropewalk.server import app_of
from ropewalk.waiting import Moment


class GraftedApp(resource.Resource):
    """An App in a twisted.web tree. It responds to every method, at its path and below. See `graft`."""

    isLeaf = True

    def __init__(self, app: App) -> None:
        super().__init__()
        self.app = app
        self.coroutines = calling.CoroutineRunner()
        """Runs the coroutines of the app's handlers."""
        self.shortages = calling.ShortageLog()
        self.stopping = Moment()
        """Fires when a shutdown begins."""
        self._lifecycle = AppLifecycle(app, self.stopping)

    def render(self, request: Any) -> int:
        """Let the app respond.

        Raises HostedError (RW730, RW731) if the engine does not serve the request, and (RW742) if the channel overrides
        a method that sends responses.
        """
        channel: Any = getattr(request, "channel", None)
        exchange = channel.exchange_of(request) if isinstance(channel, HTTPChannel) else None
        if exchange is not None:
            _check_overrides(channel)
        if exchange is None:
            raise _no_engine(channel)
        engine = exchange.service
        if not channel.persistent:
            exchange.close_after()
        bridge = AppBridge(self, request, exchange)
        self._lifecycle.admit(bridge, engine)
        return server.NOT_DONE_YET


def graft(thing: Any) -> GraftedApp:
    """Adapt an App, or a resource of Ropewalk, for a twisted.web tree: `root.putChild(b"api", graft(app))`.

    The engine must serve the site: use the endpoint prefix `ropewalk:`, `accelerate(site)` or `ropewalk exec`. The
    app's start hooks are called before its first request. Its stop hooks are called when the reactor shuts down, after
    the last response. The site's limits apply. Raises TreeError (RW105) for any other object, and StartError (RW404)
    for an app that trusts proxies.
    """
    if is_twisted(thing):
        what = f"{shown(thing)}, of type {full_name(type(thing))}, is a resource of twisted.web already."
        raise TreeError("RW105", what, "Put the resource into the tree directly, without `graft`.")
    app = app_of(thing)
    if any(each.proxies is not None for each in app.family()):
        raise StartError("RW404", "An app that trusts proxies is grafted onto a tree of twisted.web.")
    return GraftedApp(app)


def around(request: Any) -> Any:
    """Return the outer request for a request of a grafted app or a mounted resource; otherwise None.

    For a grafted app, this is the twisted.web request, which has the session. For a mounted twisted.web resource, it is
    the app's request.
    """
    bridge = getattr(request, "bridge", None)
    if bridge is not None:
        return bridge.request
    return getattr(getattr(request, "channel", None), "exchange", None)


def _check_overrides(channel: HTTPChannel) -> None:
    """Raise HostedError (RW742) if a program has overridden a method of the channel that sends responses, because the
    app's response would bypass it."""
    own = sorted(channel.sending_overrides()) if channel.makes_all_calls else ()
    if own:
        message = f"An app is grafted onto a tree whose {full_name(type(channel))} overrides {', '.join(own)}."
        raise HostedError("RW742", message)


def _no_engine(channel: Any) -> HostedError:
    if isinstance(channel, MountedChannel):
        message = "An app is grafted onto a tree of twisted.web that is mounted in an app."
        return HostedError("RW731", message)
    what = f"below it is {full_name(type(channel))}"
    if getattr(channel, "_stays_twisted", ""):
        what = f"its channel stays Twisted's own, for {channel._stays_twisted}"  # noqa: SLF001 - our own class
    return HostedError("RW730", f"An app is grafted onto a tree whose site the engine does not serve: {what}.")
