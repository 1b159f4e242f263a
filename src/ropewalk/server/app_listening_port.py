"""`App.listen`: the engine accepts connections, and the returned object implements Twisted's interface
IListeningPort."""

import os
from typing import TYPE_CHECKING, Any

from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import IListeningPort
from zope.interface import implementer

from ropewalk._engine import Limits
from ropewalk.app import App
from ropewalk.errors import StartError, WrongThread
from ropewalk.proxies import TrustedProxies
from ropewalk.server.addresses import to_twisted_address
from ropewalk.server.reactor_thread import runs_elsewhere
from ropewalk.server.server import Server
from ropewalk.server.start_errors import served_with_other
from ropewalk.server.tls_options import TLSOptions, load_tls

if TYPE_CHECKING:
    from ropewalk.server.tls import ServerTLS


@implementer(IListeningPort)
class AppListeningPort:
    """A listening socket of an app. The socket is open at once, but requests are served only after the app has started.

    Its str() is the URL that you would enter in a browser.
    """

    def __init__(self, server: Server, description: str, tls: "ServerTLS | None" = None) -> None:
        self.server = server
        self.description = description
        self.tls = tls
        """The certificate of an HTTPS listener; None for plain HTTP."""
        self._listener: int | None = None
        """The number of the socket in the engine."""
        self._tls_port: Any = None
        """The port of Twisted, which accepts the connections over TLS."""
        self._host: Any = None
        self.startListening()

    def __str__(self) -> str:
        address = self.getHost()
        if isinstance(address, UNIXAddress):
            name = os.fsdecode(address.name or b"")
            return f"unix:{f'@{name[1:]}' if name.startswith(chr(0)) else name}"
        host = f"[{address.host}]" if ":" in address.host else address.host
        return f"{'http' if self.tls is None else 'https'}://{host}:{address.port}"

    def started(self) -> "Deferred[None]":
        """Return a Deferred that fires when requests are served.

        It fails with StartError (RW403) if a start hook fails.
        """
        return self.server.started()

    @property
    def port(self) -> Any:
        """The port number, or the path of the UNIX socket. A Twisted port has the same attribute."""
        address = self.getHost()
        return os.fsdecode(address.name or b"") if isinstance(address, UNIXAddress) else address.port

    @property
    def interface(self) -> str:
        """The host on which the port listens; empty for a UNIX socket."""
        address = self.getHost()
        return "" if isinstance(address, UNIXAddress) else str(address.host)

    @property
    def reactor(self) -> Any:
        """The reactor in which the port listens."""
        return self.server.reactor

    @property
    def connected(self) -> bool:
        """Whether the socket is open."""
        return self._listener is not None or self._tls_port is not None

    def loseConnection(self) -> "Deferred[None]":
        """Close the socket, as `stopListening` does."""
        return self.stopListening()

    def startListening(self) -> None:
        """Open the socket, for the first time or again after `stopListening`. Raises EngineError (RW502) if this
        fails."""
        if self.connected:
            return
        server = self.server
        server = self.server = _server_of(server.app, server.reactor, server.engine.limits, server.service.proxies)
        if self.tls is None:
            self._listener = server.open(self.description)
            self._host = to_twisted_address(server.engine.address(self._listener))
        else:
            check_tls(server.service.proxies)
            self._tls_port = self.tls.listen(server, self.description)
            self._host = self._tls_port.getHost()
            server.tls_ports.append(self._tls_port)
        server.listening.append(self)

    def stopListening(self) -> "Deferred[None]":
        """Close the socket.

        If it is the last open socket of the app, drain the running requests and stop the app. The Deferred fires after
        that.
        """
        if not self.connected:
            return succeed(None)
        listener, self._listener = self._listener, None
        tls_port, self._tls_port = self._tls_port, None
        self.server.listening.remove(self)
        if not self.server.listening:
            return self.server.stop()
        if listener is not None:
            self.server.leave_to_children()
            self.server.engine.stop_listening(listener)
            return succeed(None)
        self.server.tls_ports.remove(tls_port)
        stopped: Deferred[None] = maybeDeferred(tls_port.stopListening)
        return stopped

    def getHost(self) -> Any:
        """The address of the socket, also after it is closed.

        If you passed port 0, the address contains the port that the system chose.
        """
        return self._host


def listen(
    app: App,
    reactor: Any,
    endpoint: str,
    *,
    limits: Limits | None = None,
    proxies: TrustedProxies | None = None,
    tls: TLSOptions | None = None,
) -> AppListeningPort:
    """Serve an app on an endpoint. With `tls`, serve HTTPS.

    Raises StartError (RW401, RW404, and with `tls` also RW425, RW426, RW750) and EngineError (RW502, RW503).

    All sockets of an app in one reactor share one engine. The first call sets the engine's limits and proxies; later
    calls must omit them, or pass the same.
    """
    if runs_elsewhere(reactor):
        raise WrongThread("`listen` was called outside the thread of its reactor.")
    loaded = load_tls(tls) if tls is not None else None
    return listen_with(app, reactor, endpoint, limits, proxies, loaded)


def listen_with(
    app: App,
    reactor: Any,
    endpoint: str,
    limits: Limits | None,
    proxies: TrustedProxies | None,
    tls: "ServerTLS | None",
) -> AppListeningPort:
    """Like `listen`, but with a certificate that several listeners share."""
    return AppListeningPort(_server_of(app, reactor, limits, proxies), endpoint, tls)


def check_tls(proxies: TrustedProxies | None) -> None:
    """Raises StartError (RW426) if proxies send the PROXY protocol, which Twisted's TLS does not expect."""
    if proxies is not None and proxies.proxy_protocol:
        what = "TLS and the PROXY protocol do not work together: its header comes before the encrypted bytes."
        raise StartError("RW426", what, "Have the proxy terminate TLS, or send X-Forwarded fields over TLS.")


def _server_of(app: App, reactor: Any, limits: Limits | None, proxies: TrustedProxies | None) -> Server:
    """The app's server in this reactor, or a new server if there is none or it was stopped."""
    server: Server | None = app.server
    if server is None or server.stopping or server.reactor is not reactor:
        server = app.server = Server(app, reactor, limits, proxies)
    elif limits not in (None, server.engine.limits):
        raise served_with_other("limits", "The app")
    elif proxies not in (None, server.service.proxies):
        raise served_with_other("proxies", "The app")
    return server
