"""Decides which request classes may make their attributes at the first use, and keeps patches of Twisted's request
classes in effect.

Programs patch functions of `twisted.web.server.Request` and `twisted.web.http.Request`. The `Request` of this package
derives from both classes, so its own methods must not hide a patched function.
"""

from operator import attrgetter
from types import FunctionType
from typing import Any, Final

from twisted.web import http, server
from twisted.web.http import Request as TwistedHTTPRequest
from twisted.web.server import Request as TwistedRequest

from ropewalk.dropin.request.lazy_request import ASSIGNED, LATE, LazyRequest
from ropewalk.dropin.request.request import Request

_OWNERS: Final[dict[str, type]] = {
    name: kind
    for kind in (LazyRequest, Request)
    for name, function in vars(kind).items()
    if isinstance(function, FunctionType) and hasattr(TwistedRequest, name)
}
"""For each function of `LazyRequest` or `Request` that overrides a function of Twisted: the class that defines it."""
_OWN: Final = {name: vars(owner)[name] for name, owner in _OWNERS.items()}
"""The functions of `LazyRequest` and `Request` that override a function of Twisted, by name."""
_NOT_CALLED: Final = tuple(LATE & _OWN.keys())
"""Functions that a subclass must not replace if its requests are lazy, because they may be called late or never."""

_functions_of_server: Final = attrgetter(*(name for name in _OWN if name in vars(TwistedRequest)))
_functions_of_http: Final = attrgetter(*(name for name in _OWN if name in vars(TwistedHTTPRequest)))
_seen: Any = None
"""The functions of Twisted's classes at the last call of `respect_patches`."""

_assigned: Final = attrgetter(*ASSIGNED)
_ASSIGNED: Final = tuple(ASSIGNED.values())


def can_replace(factory: object) -> bool:
    """Whether a site's request factory is Twisted's own class, and a program has not patched it."""
    return factory is TwistedRequest and _assigned(TwistedRequest) == _ASSIGNED and not _patched()


def may_be_lazy(factory: object) -> bool:
    """Whether a request factory is a subclass of `Request` for which `arrive` is safe: it replaces no attribute that
    `arrive` assigns, and no method that `arrive` does not call."""
    return (
        isinstance(factory, type)
        and issubclass(factory, Request)
        and _assigned(factory) == _ASSIGNED
        and all(getattr(factory, name) is _OWN[name] for name in _NOT_CALLED)
    )


def respect_patches() -> None:
    """Remove functions of `Request` that hide a program's patch of Twisted's classes, and restore the others.

    Under `ropewalk exec`, `twisted.web.server.Request` is `Request`, so programs derive from it. Functions that they
    patch in `twisted.web.http.Request` must be called nevertheless. When a patch is removed, our function is restored.
    """
    global _seen
    seen = _functions_of_server(TwistedRequest), _functions_of_http(TwistedHTTPRequest)
    if seen == _seen:
        return
    _seen = seen
    patched = _patched()
    for name, ours in _OWN.items():
        owner = _OWNERS[name]
        if name in patched and vars(owner).get(name) is ours:
            delattr(owner, name)
        elif name not in patched and name not in vars(owner):
            setattr(owner, name, ours)
    LazyRequest._rw_lazy = LATE.isdisjoint(patched)  # noqa: SLF001 - our own attribute
    waiting = LazyRequest.__subclasses__()
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        kind._rw_lazy = LazyRequest._rw_lazy and kind._rw_may_be_lazy()  # noqa: SLF001 - our own method


def _patched() -> set[str]:
    """Return the names of functions that our request classes override and that the program has patched in Twisted's."""
    return {
        name
        for kind, module in ((TwistedRequest, vars(server)), (TwistedHTTPRequest, vars(http)))
        for name in _OWN
        if name in vars(kind) and getattr(vars(kind)[name], "__globals__", None) is not module
    }
