"""The state of one connection that `HTTPChannel` serves."""

from typing import Any

from twisted.web import http

from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.dropin.connection.link import Link
from ropewalk.dropin.connection.pipe_link import UNOPENED
from ropewalk.dropin.connection.request_receiver import RequestReceiver
from ropewalk.dropin.connection.thread_queue import ThreadQueue


class ChannelState(http.HTTPChannel):
    """The state that `HTTPChannel` adds to that of twisted.web's channel, with its values before the first request."""

    makes_all_calls = False
    """Whether the channel makes every call that twisted.web's channel makes. It does if a program overrides a method in
    `CALLED_IF_OVERRIDDEN`."""
    transport: Any
    factory: Any = None
    site: Any = None
    _networkProducer: Any

    _link: Link = UNOPENED
    """The link to the connection."""
    _stays_twisted = ""
    """Why Twisted's own channel serves the connection. Empty if the engine serves it."""
    _ends: tuple[Any, Any] | None = None
    """The addresses of Twisted's transport. They are kept, because the transport forgets them when it is closed."""
    _factory_engine: Any = None
    """The FactoryEngine that serves the connection. Set when the first bytes arrive."""
    _receiver: RequestReceiver
    """Receives requests. It is set together with the link."""
    _exchange: RelayedExchange | None = None
    """The exchange whose request is being received or handled."""
    _thread_queue: ThreadQueue | None = None
    """The queued calls from other threads than the reactor's. None before the first call."""
    _time_out: Any = http.HTTPChannel.timeOut
    _full = False
    """Whether the engine's queue is over its high-water mark."""
    _serving = False
    """Whether the program is being called with a request that has just been received."""
    _closing = False
    """Whether the connection must be closed when the program has returned from handling the request."""
    _refused = False
    """Whether a response could not be sent. Then later writes are dropped, and the connection is closed."""
    _kept = True
    """Whether the last request allows the connection to stay open."""
    _upgraded = False
    """Whether another protocol has the connection."""
    _losing = False
    _lost = False
    """Whether the connection has ended, and `connectionLost` was called."""
