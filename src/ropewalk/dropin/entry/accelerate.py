"""Makes the engine serve factories and ports of Twisted."""

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
from ropewalk.dropin.entry.factories import unwrap
from ropewalk.dropin.tree_check import check_tree, is_ours
from ropewalk.errors import StartError, full_name, shown
from ropewalk.resource import is_twisted
from ropewalk.server import Site
from ropewalk.server.start_errors import served_with_other
from ropewalk.twisted_private import HTTP_CHANNEL_FACTORY, GenericHTTPChannelProtocol

_OURS: Final = "ropewalk.dropin.HTTPChannel"


class UnfitFactory(StartError, TypeError):
    """RW757: the engine cannot serve a factory."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__("RW757", message, remedy)


Factory = TypeVar("Factory", bound=http.HTTPFactory)


def accelerate(factory: Factory, *, limits: Limits | None = None, half_close: bool = False) -> Factory:
    """Let the engine serve a `twisted.web.server.Site` (or another `HTTPFactory`), and return the same factory.

    All new connections of the factory use the engine's HTTP/1. The engine takes over plain sockets; other transports
    (TLS, wrappers) remain Twisted's. `limits` defaults to `limits_of(factory)`. With `half_close`, clients may close
    their sending side and still receive their responses.

    If the program has set `factory.protocol` to a function, the function is called as before. If it returns anything
    but a `ropewalk.dropin.HTTPChannel`, Twisted itself serves the connection, and a message is logged (RW743).

    Raises UnfitFactory (RW757), a TypeError, for an object that is not an `HTTPFactory`, and for a factory whose
    `protocol` is a class that does not derive from `HTTPChannel`. Raises TreeError (RW758) if the factory's tree
    contains an App without `graft`, and StartError (RW404) if the factory already has other limits.
    """
    if not isinstance(factory, http.HTTPFactory):
        raise _unfit(factory)
    check_tree(getattr(factory, "resource", None))
    if limits is not None:
        engine = engine_of_factory(factory, factory.reactor, limits)
        if engine.engine.limits != limits:
            raise served_with_other("limits", repr(factory))
    if half_close:
        engine_of_factory(factory, factory.reactor, limits).half_close = True
    protocol: Any = factory.protocol
    if isinstance(protocol, _EngineProtocols | _ProgramProtocols):
        return factory
    if getattr(protocol, "__func__", None) is HTTP_CHANNEL_FACTORY:
        factory.protocol = _EngineProtocols()  # type: ignore[method-assign]
    elif not isinstance(protocol, type):
        factory.protocol = _ProgramProtocols(protocol)  # type: ignore[method-assign]
    elif not issubclass(protocol, HTTPChannel):
        what = f"{shown(factory)} makes protocols of the class {full_name(protocol)}, which the engine cannot serve."
        raise UnfitFactory(what, f"Derive the class from {_OURS} instead of {full_name(protocol.__bases__[0])}.")
    return factory


def _unfit(thing: Any) -> UnfitFactory:
    what = f"{shown(thing)}, of type {full_name(type(thing))}, is not a twisted.web.http.HTTPFactory."
    if isinstance(thing, Site):
        return UnfitFactory(what, "The engine already serves a ropewalk.Site. Listen with it unchanged.")
    if is_ours(thing):
        return UnfitFactory(what, "Serve it with ropewalk.Site(...), without `accelerate`.")
    if isinstance(unwrap(thing), http.HTTPFactory) and not isinstance(thing, type):
        return UnfitFactory(what, "Call `accelerate` with the wrapped Site, before you wrap it.")
    if is_twisted(thing):
        return UnfitFactory(what, "Make a Site of it: twisted.web.server.Site(...).")
    return UnfitFactory(what, "Give a twisted.web.server.Site, or another HTTPFactory.")


def accelerate_port(port: Any, *, limits: Limits | None = None, half_close: bool = False) -> bool:
    """Let the engine accept connections instead of a listening port of Twisted. Return False if it cannot.

    The port must be a plain TCP or UNIX port whose factory is an `HTTPFactory`, in a reactor that watches descriptors.
    The port's address, its factory and `stopListening` work as before. Connections whose protocol is not a
    `ropewalk.dropin.HTTPChannel` are given back to Twisted. With `half_close`, clients of this port may close their
    sending side and still receive their responses. Raises StartError (RW404) if the factory already has other limits.
    """
    factory = getattr(port, "factory", None)
    if type(port) not in (tcp.Port, unix.Port) or not isinstance(factory, http.HTTPFactory):
        return False
    engine = engine_of_factory(factory, port.reactor, limits)
    if limits not in (None, engine.engine.limits):
        raise served_with_other("limits", repr(factory))
    if not engine.can_watch():
        return False
    engine.accept_on(port, half_close=half_close)
    return True


class _ProgramProtocols:
    """Wraps the function with which a program makes the protocols of a factory."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make

    def __call__(self) -> Any:
        protocol = self.make()
        if channel_of(protocol) is None:
            report_foreign(protocol)
        return protocol


class _EngineProtocols:
    """Makes the protocols of a factory. It replaces `HTTPFactory.protocol`, and has its name and docstring."""

    def __init__(self) -> None:
        update_wrapper(self, HTTP_CHANNEL_FACTORY)

    def __call__(self) -> Any:
        # The wrapper switches to HTTP/2 if TLS has negotiated it.
        return GenericHTTPChannelProtocol(HTTPChannel())
