"""Resources of twisted.web in a tree of ours."""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from traceback import walk_tb
from typing import Any, Final

import twisted
from twisted.web import resource, server

from ropewalk.dropin.connection.factory_engine import BODY_SIZE
from ropewalk.dropin.mount.channel import MountedChannel
from ropewalk.dropin.request.patches import respect_patches
from ropewalk.errors import TreeError, code_place, full_name, named, shown
from ropewalk.request import Request
from ropewalk.resource import Handler, Resource, as_resource, check_body_limit, is_twisted, node_of
from ropewalk.tracebacks import PACKAGE

_CHILDREN: Final = ("getChild", "getChildWithDefault")
"""With these a resource makes the ones below it."""

_LIBRARIES: Final = (PACKAGE, f"{Path(twisted.__file__).parent}{os.sep}")
"""What the paths of files begin with that are not the user's."""


class Mounted(Resource):
    """A resource of twisted.web in our tree: it answers every method, at its place and below. See `mounted`."""

    isLeaf = True

    def __init__(self, root: Any, *, body_limit: int | None = BODY_SIZE) -> None:
        super().__init__()
        self.root = root
        """The `IResource`."""
        self.wrapped = _own_code(root)
        """What error messages name it by."""
        self._call = _handler(self)
        node_of(self).rendering["render"] = Handler(
            self._call,
            body_limit=body_limit,
            user_code=self.wrapped,
            resource=self,
            describe_failure=partial(_who_failed, self),
        )

    @property
    def exact_methods(self) -> set[str] | None:
        """Those that the resource and those below it answer; None where that is not known beforehand."""
        return _methods(self.root) or None

    def render(self, request: Request) -> Any:
        """Have the resource, or one below it, answer."""
        return self._call(request)


def mounted(root: Any, *, body_limit: int | None = BODY_SIZE) -> Mounted:
    """A resource of twisted.web as one of ours: `app.mount("/legacy", mounted(root))`.

    Wherever a resource is expected, one of twisted.web's may stand as it is; this says besides how many bytes the body
    of a request may have. None stands for the engine's limit. Raises TreeError (RW105) for what is no resource of
    twisted.web, and ValueError for another limit.
    """
    if not is_twisted(root):
        ours = as_resource(root)  # which raises for all that is no resource at all
        what = f"{shown(root)}, of type {full_name(type(root))}, is no resource of twisted.web"
        raise TreeError("RW105", f"{what}, and {full_name(type(ours))} needs no `mounted`.", "Mount it as it is.")
    check_body_limit(body_limit)
    return Mounted(root, body_limit=body_limit)


class MountedSite(server.Site):
    """What requests to mounted resources have for their site. There is one for an app: it keeps the sessions."""

    def __init__(self, displayTracebacks: bool) -> None:
        from twisted.internet import reactor

        respect_patches()
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
        return MountedChannel(request, root, _site_of(request)).serve()

    return render


def _who_failed(mounted: Mounted, request: Request, error: BaseException) -> str:
    """The code that has raised, be it of the resource or of one below it, and where the tree is mounted."""
    codes = [frame.f_code for frame, _ in walk_tb(error.__traceback__)]
    inside = max((number for number, code in enumerate(codes) if code.co_filename == __file__), default=0)
    code = next((code for code in codes[inside:] if not code.co_filename.startswith(_LIBRARIES)), None)
    who = named(mounted.wrapped) if code is None else f"{code.co_qualname} at {code_place(code)}"
    return f"{who}, mounted at /{'/'.join(request.prepath)}"


def _methods(root: Any) -> set[str] | None:
    """The methods that a resource and those below it answer, as far as that is known beforehand; else None."""
    kind = type(root)
    allowed = getattr(root, "allowedMethods", None)
    if allowed is not None:
        own = {method.decode() if isinstance(method, bytes) else f"{method}" for method in allowed}
    elif getattr(kind, "render", None) is not resource.Resource.render:
        return None
    else:
        own = {name.removeprefix("render_") for name in dir(root) if name.startswith("render_")}
        if "GET" not in own and getattr(kind, "render_HEAD", None) is resource.Resource.render_HEAD:
            own.discard("HEAD")  # which every resource has, and which asks for GET
    if root.isLeaf:
        return own
    if _is_file(root):
        if root.processors:
            return None
    elif any(getattr(kind, name, None) is not getattr(resource.Resource, name) for name in _CHILDREN):
        return None
    for child in getattr(root, "children", {}).values():
        below = _methods(child)
        if below is None:
            return None
        own |= below
    return own


def _is_file(root: Any) -> bool:
    """Whether this is a `static.File`. Importing that warns of what it uses itself, so that is left to its users."""
    static = sys.modules.get("twisted.web.static")
    return static is not None and isinstance(root, static.File)


def _own_code(root: Any) -> Any:
    """What tells of a resource, rather than of what it is derived from."""
    kind = type(root)
    renders = sorted(name for name in dir(kind) if name.startswith("render_") and name != "render_HEAD")
    for name in ("render", "render_GET", *renders, *_CHILDREN):
        code = getattr(kind, name, None)
        if code is not None and code is not getattr(resource.Resource, name, None):
            return code
    return kind


def _site_of(request: Request) -> MountedSite:
    app = request.service.app
    site: MountedSite | None = vars(app).get("_mounted_site")
    if site is None:
        site = app._mounted_site = MountedSite(app.debug)  # noqa: SLF001 - ours
        bridge = getattr(request, "bridge", None)
        if bridge is not None:  # the app is grafted itself
            site.share_sessions(bridge.request.site)
    return site
