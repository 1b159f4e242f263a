"""Mounts a twisted.web resource in the tree of an app."""

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
from ropewalk.dropin.request.lazy_check import respect_patches
from ropewalk.errors import TreeError, code_place, full_name, named, shown
from ropewalk.request import Request
from ropewalk.resource import Handler, Resource, as_resource, check_body_limit, is_twisted, node_of
from ropewalk.tracebacks import PACKAGE

_CHILDREN: Final = ("getChild", "getChildWithDefault")
"""The methods with which a resource makes its children."""

_LIBRARIES: Final = (PACKAGE, f"{Path(twisted.__file__).parent}{os.sep}")
"""The beginnings of paths of source files that do not belong to the user."""


class Mounted(Resource):
    """A twisted.web resource in the tree of an app. It responds to every method, at its path and below."""

    isLeaf = True

    def __init__(self, root: Any, *, body_limit: int | None = BODY_SIZE) -> None:
        super().__init__()
        self.root = root
        """The mounted `IResource`."""
        self.wrapped = _own_code(root)
        """The function or class of the program that error messages name."""
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
        """The methods that the resource and its children support; None if that is not known in advance."""
        return _methods(self.root) or None

    def render(self, request: Request) -> Any:
        """Let the resource, or a resource below it, respond."""
        return self._call(request)


def mounted(root: Any, *, body_limit: int | None = BODY_SIZE) -> Mounted:
    """Adapt a twisted.web resource, with a limit for request bodies: `app.mount("/legacy", mounted(root))`.

    `mounted` is needed only to set the limit: you can also mount a twisted.web resource directly. `body_limit` is in
    bytes; None stands for the engine's limit. Raises TreeError (RW105) if `root` is not a twisted.web resource, and
    HandlerError (RW271) for an invalid limit.
    """
    if not is_twisted(root):
        ours = as_resource(root)  # raises TreeError if `root` is not a resource
        what = f"{shown(root)}, of type {full_name(type(root))}, is not a resource of twisted.web"
        raise TreeError("RW105", f"{what}, and {full_name(type(ours))} needs no `mounted`.", "Mount it directly.")
    check_body_limit("mounted", body_limit)
    return Mounted(root, body_limit=body_limit)


class MountedSite(server.Site):
    """The `site` of requests to mounted resources. Each app has one such site, which keeps the sessions."""

    def __init__(self, displayTracebacks: bool) -> None:
        from twisted.internet import reactor

        respect_patches()
        super().__init__(resource.Resource(), reactor=reactor)
        self.displayTracebacks = displayTracebacks

    def share_sessions(self, other: server.Site) -> None:
        """Use the sessions of another site."""
        self.sessions = other.sessions
        self.sessionFactory = other.sessionFactory

    def getResourceFor(self, request: Any) -> Any:
        """Return the resource that responds: the mounted resource, or a resource below it."""
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
    """Return the name of the program's function that raised the error, and the path of the mount."""
    codes = [frame.f_code for frame, _ in walk_tb(error.__traceback__)]
    inside = max((number for number, code in enumerate(codes) if code.co_filename == __file__), default=0)
    code = next((code for code in codes[inside:] if not code.co_filename.startswith(_LIBRARIES)), None)
    name = named(mounted.wrapped) if code is None else f"{code.co_qualname} at {code_place(code)}"
    return f"{name}, mounted at /{'/'.join(request.prepath)}"


def _methods(root: Any) -> set[str] | None:
    """Return the methods that a resource and its children support, if that is known in advance; otherwise None."""
    kind = type(root)
    allowed = getattr(root, "allowedMethods", None)
    if allowed is not None:
        own = {method.decode() if isinstance(method, bytes) else f"{method}" for method in allowed}
    elif getattr(kind, "render", None) is not resource.Resource.render:
        return None
    else:
        own = {name.removeprefix("render_") for name in dir(root) if name.startswith("render_")}
        if "GET" not in own and getattr(kind, "render_HEAD", None) is resource.Resource.render_HEAD:
            own.discard("HEAD")  # every resource inherits a HEAD that renders GET, so HEAD needs a GET
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
    """Whether this is a `static.File`. Its module is not imported here, because that emits a DeprecationWarning."""
    static = sys.modules.get("twisted.web.static")
    return static is not None and isinstance(root, static.File)


def _own_code(root: Any) -> Any:
    """Return the first method that the class of a resource overrides, if there is one; otherwise the class."""
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
        site = app._mounted_site = MountedSite(app.debug)  # noqa: SLF001 - our own attribute
        bridge = getattr(request, "bridge", None)
        if bridge is not None:  # the app is grafted onto a tree of twisted.web
            site.share_sessions(bridge.request.site)
    return site
