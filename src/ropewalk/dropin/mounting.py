"""Resources of twisted.web in a tree of ours."""

from collections.abc import Callable
from typing import Any

from twisted.web import resource, server

from ropewalk.dropin.driver import BODY_SIZE
from ropewalk.dropin.inner import InnerChannel
from ropewalk.request import Request
from ropewalk.resource import Handler, Resource, node_of


class Mounted(Resource):
    """A resource of twisted.web in our tree: it answers every method, at its place and below. See `mounted`."""

    isLeaf = True

    def __init__(self, root: Any, *, body_limit: int | None = BODY_SIZE) -> None:
        super().__init__()
        self.root = root
        """The `IResource`."""
        self._call = _handler(self)
        node_of(self).rendering["render"] = Handler(self._call, body_limit=body_limit)

    def render(self, request: Request) -> Any:
        """Have the resource, or one below it, answer."""
        return self._call(request)


def mounted(root: Any, *, body_limit: int | None = BODY_SIZE) -> Mounted:
    """A resource of twisted.web as one of ours: `app.mount("/legacy", mounted(root))`.

    Wherever a resource is expected, one of twisted.web's may stand as it is; this says besides how many bytes the body
    of a request may have. None stands for the engine's limit.
    """
    return Mounted(root, body_limit=body_limit)


class MountedSite(server.Site):
    """What requests to mounted resources have for their site. There is one for an app: it keeps the sessions."""

    def __init__(self, displayTracebacks: bool) -> None:
        from twisted.internet import reactor

        super().__init__(resource.Resource(), reactor=reactor)
        self.displayTracebacks = displayTracebacks

    def share_sessions(self, other: server.Site) -> None:
        """Have the sessions of another site."""
        self.sessions = other.sessions
        self.sessionFactory = other.sessionFactory

    def getResourceFor(self, request: Any) -> Any:
        """What answers, below the resource that our tree has come to."""
        channel = request.channel
        request.sitepath = []
        request.prepath = [segment.encode() for segment in channel.exchange.prepath]
        request.postpath = [segment.encode() for segment in channel.exchange.postpath]
        return resource.getChildForRequest(channel.root, request)


def _handler(mounted: Mounted) -> Callable[[Request], Any]:
    root = mounted.root

    def render(request: Request) -> Any:
        return InnerChannel(request, root, _site_of(request)).serve()

    shown: Any = render
    shown.__wrapped__ = _own_code(root)  # error messages name it by this
    shown.__self__ = mounted  # who answers by itself is a resource
    return render


def _own_code(root: Any) -> Any:
    """What tells of a resource, rather than of what it is derived from."""
    kind = type(root)
    for name in ("render", "render_GET", "getChild", "getChildWithDefault"):
        code = getattr(kind, name, None)
        if code is not None and code is not getattr(resource.Resource, name, None):
            return code
    return kind


def _site_of(request: Request) -> MountedSite:
    app = request.service.app
    site: MountedSite | None = vars(app).get("_mounted_site")
    if site is None:
        site = app._mounted_site = MountedSite(app.debug)  # noqa: SLF001 - ours
        joint = getattr(request, "joint", None)
        if joint is not None:  # the app is grafted itself
            site.share_sessions(joint.request.site)
    return site
