"""Putting the engine below factories and ports of Twisted's."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Final, TypeVar

from twisted.internet import tcp, unix
from twisted.web import http

from ropewalk._engine import Limits
from ropewalk.dropin.connection.adoption import channel_of
from ropewalk.dropin.connection.channel import HTTPChannel
from ropewalk.dropin.connection.factory_engine import engine_of_factory
from ropewalk.dropin.connection.override_check import report_foreign
from ropewalk.dropin.entry.factories import innermost
from ropewalk.dropin.graft.tree_check import check_tree, is_ours
from ropewalk.errors import StartError, full_name, shown
from ropewalk.resource import is_twisted
from ropewalk.server import Site
from ropewalk.twisted_private import HTTP_CHANNEL_FACTORY, GenericHTTPChannelProtocol

_OURS: Final = "ropewalk.dropin.HTTPChannel"


class UnfitFactory(StartError, TypeError):
    """RW757: the engine cannot serve what was given."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__("RW757", message, remedy)


Factory = TypeVar("Factory", bound=http.HTTPFactory)


def accelerate(factory: Factory, *, limits: Limits | None = None, half_close: bool = False) -> Factory:
    """Have a `twisted.web.server.Site` (or another `HTTPFactory`) served by the engine; the same factory comes back.

    Whatever listens for it from now on, and however, its connections speak the engine's HTTP/1. Plain sockets become
    the engine's own, other transports (TLS, wrappers) stay Twisted's. `limits` are those of `limits_of` where they are
    not given. With `half_close`, clients may close their sending side and wait for their responses. A `protocol` of
    the program's own is called as ever; where it makes something else than `ropewalk.dropin.HTTPChannel` or a subclass,
    those connections stay Twisted's, which is logged (RW743). Raises UnfitFactory (RW757), a TypeError, for any other
    factory and for one whose `protocol` is a class that does not derive from that, TreeError (RW758) where its tree has
    an App without `graft`, and StartError (RW404) where it has other limits already.
    """
    if not isinstance(factory, http.HTTPFactory):
        raise _no_factory(factory)
    check_tree(getattr(factory, "resource", None))
    if limits is not None:
        driver = engine_of_factory(factory, factory.reactor, limits)
        if driver.engine.limits != limits:
            raise StartError("RW404", f"{factory!r} is served with other limits already.")
    if half_close:
        engine_of_factory(factory, factory.reactor, limits).half_close = True
    protocol: Any = factory.protocol
    if isinstance(protocol, _Protocols | _OwnProtocols):
        return factory
    if getattr(protocol, "__func__", None) is HTTP_CHANNEL_FACTORY:
        factory.protocol = _Protocols()  # type: ignore[method-assign]
    elif not isinstance(protocol, type):
        factory.protocol = _OwnProtocols(protocol)  # type: ignore[method-assign]
    elif not issubclass(protocol, HTTPChannel):
        what = f"{shown(factory)} makes protocols of the class {full_name(protocol)}, which the engine cannot serve."
        raise UnfitFactory(what, f"Have it derive from {_OURS} in place of {full_name(protocol.__bases__[0])}.")
    return factory


def _no_factory(thing: Any) -> UnfitFactory:
    what = f"{shown(thing)}, of type {full_name(type(thing))}, is no twisted.web.http.HTTPFactory."
    if isinstance(thing, Site):
        return UnfitFactory(what, "The engine serves a ropewalk.Site already: listen for it as it is.")
    if is_ours(thing):
        return UnfitFactory(what, "The engine serves it by ropewalk.Site(...), without `accelerate`.")
    if isinstance(innermost(thing), http.HTTPFactory) and not isinstance(thing, type):
        return UnfitFactory(what, "Give the Site that it wraps, before it is wrapped.")
    if is_twisted(thing):
        return UnfitFactory(what, "Give a Site of it: twisted.web.server.Site(...).")
    return UnfitFactory(what, "Give a twisted.web.server.Site, or another HTTPFactory.")


def take_over(port: Any, *, limits: Limits | None = None, half_close: bool = False) -> bool:
    """Have the engine accept in place of a listening port of Twisted's; False where it cannot.

    The port stays what it is: its address, its factory, `stopListening` and the rest are Twisted's. It must be a plain
    TCP or UNIX port whose factory is an `HTTPFactory`, in a reactor that watches descriptors. Connections whose
    protocol is no `HTTPChannel` of ours are given back to Twisted. With `half_close`, clients of this port may close
    their sending side and wait for their responses. Raises StartError (RW404) as `accelerate` does.
    """
    factory = getattr(port, "factory", None)
    if type(port) not in (tcp.Port, unix.Port) or not isinstance(factory, http.HTTPFactory):
        return False
    driver = engine_of_factory(factory, port.reactor, limits)
    if limits not in (None, driver.engine.limits):
        raise StartError("RW404", f"{factory!r} is served with other limits already.")
    if not driver.can_watch():
        return False
    driver.accept_on(port, half_close=half_close)
    return True


class _OwnProtocols:
    """In the place of a function of the program's that makes a factory's protocols."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make

    def __call__(self) -> Any:
        protocol = self.make()
        if channel_of(protocol) is None:
            report_foreign(protocol)
        return protocol


class _Protocols:
    """Makes a factory's protocols, as `HTTPFactory.protocol` does, whose name and documentation it has."""

    def __init__(self) -> None:
        update_wrapper(self, HTTP_CHANNEL_FACTORY)

    def __call__(self) -> Any:
        return GenericHTTPChannelProtocol(HTTPChannel())  # which looks for HTTP/2 over TLS
