"""Which requests of a program the engine can make lazily, and patches of Twisted's request that must stay in effect.

Programs put functions of their own into `twisted.web.server.Request` and `twisted.web.http.Request`. `Request` derives
from these classes and must not hide such a function.
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
"""Our class that defines a function, by name, for each function that overrides one of Twisted's."""
_OWN: Final = {name: vars(owner)[name] for name, owner in _OWNERS.items()}
"""Our functions that override Twisted's."""
_NOT_CALLED: Final = tuple(LATE & _OWN.keys())
"""The functions of a lazy request that its channel does not call, or that make attributes which are made later."""

_functions_of_server: Final = attrgetter(*(name for name in _OWN if name in vars(TwistedRequest)))
_functions_of_http: Final = attrgetter(*(name for name in _OWN if name in vars(TwistedHTTPRequest)))
_seen: Any = None
"""The functions of Twisted's classes when `respect_patches` was called last."""

_assigned: Final = attrgetter(*ASSIGNED)
_ASSIGNED: Final = tuple(ASSIGNED.values())


def can_replace(factory: object) -> bool:
    """Whether a site's request factory is Twisted's own class, and a program has not patched it."""
    return factory is TwistedRequest and _assigned(TwistedRequest) == _ASSIGNED and not _patched()


def may_be_lazy(factory: object) -> bool:
    """Whether a request factory is a subclass of `Request` that does not replace what `arrive` assigns or skips."""
    return (
        isinstance(factory, type)
        and issubclass(factory, Request)
        and _assigned(factory) == _ASSIGNED
        and all(getattr(factory, name) is _OWN[name] for name in _NOT_CALLED)
    )


def respect_patches() -> None:
    """Remove the functions of `Request` that hide a program's patch of Twisted's classes, and restore the others.

    Under `ropewalk exec`, `twisted.web.server.Request` is `Request`, so programs derive from it. What they put into
    `twisted.web.http.Request` must be called all the same. When the patch is removed, our function returns.
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
    LazyRequest._rw_lazy = LATE.isdisjoint(patched)  # noqa: SLF001 - ours
    waiting = LazyRequest.__subclasses__()
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        kind._rw_lazy = LazyRequest._rw_lazy and kind._rw_may_be_lazy()  # noqa: SLF001 - ours


def _patched() -> set[str]:
    """Return the methods that our request classes override and that the program has patched on Twisted's."""
    return {
        name
        for kind, module in ((TwistedRequest, vars(server)), (TwistedHTTPRequest, vars(http)))
        for name in _OWN
        if name in vars(kind) and getattr(vars(kind)[name], "__globals__", None) is not module
    }
