"""A connection over TLS: the transport that encrypts it, and the protocol that passes its bytes to the engine."""

from typing import Any, Final

from OpenSSL import SSL
from twisted.internet.interfaces import IHandshakeListener
from twisted.logger import Logger
from twisted.protocols.tls import BufferingTLSTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from ropewalk.request import ClientCertificate
from ropewalk.server.sites import SiteProtocol
from ropewalk.server.tls.client_certificates import client_certificate_of
from ropewalk.server.tls.context import reason_of

log = Logger(namespace="ropewalk.engine")

_BODY: Final = b"This port speaks HTTPS. Use https:// in the URL.\n"

PLAIN_HTTP: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"
    b"Connection: close\r\n\r\n%s" % (len(_BODY), _BODY)
)
"""The response to a client that uses plain HTTP on a port for HTTPS."""


class TLSTransport(BufferingTLSTransport):
    """Twisted's TLS, which also responds to clients that do not use TLS."""

    _begun = False

    def dataReceived(self, data: bytes) -> None:
        """Decrypt bytes from the client."""
        if not self._begun:
            self._begun = True
            transport: Any = self.transport
            if data[:1].isalpha():  # TLS begins with the byte 0x16, and HTTP with a letter of the method
                _log_refusal(transport, "it uses plain HTTP on a port for HTTPS")
                transport.write(PLAIN_HTTP)
                transport.loseConnection()
                return
        super().dataReceived(data)  # type: ignore[no-untyped-call]


@implementer(IHandshakeListener)
class HTTPSProtocol(SiteProtocol):
    """Connects Twisted's TLS with the engine.

    The handshake must be complete within `Limits.head_timeout`, because this limit runs from the start of the
    connection to the end of the first head.
    """

    _handshake_timer: Any = None
    _secured = False
    client_certificate: ClientCertificate | None = None
    """The certificate that the client has sent, and that was verified; None without one. `Request` reads it."""
    _refusal = ""
    """Why the server ends the handshake; empty if it does not."""

    def handshakeCompleted(self) -> None:
        """Called by Twisted when the connection is encrypted."""
        self._secured = True
        self._stop_timer()
        given = self._transport.getPeerCertificate()
        if given is not None:
            self.client_certificate = client_certificate_of(given.to_cryptography())

    def connectionLost(self, reason: Failure) -> None:
        """Notify the engine that the connection is closed."""
        self._stop_timer()
        if not self._secured:
            error = reason.value
            refused = isinstance(error, SSL.Error)
            how = (
                f"the TLS handshake failed: {reason_of(error)}"
                if refused
                else "it left before the end of the handshake"
            )
            _log_refusal(self._transport, self._refusal or how)
        super().connectionLost(reason)

    def _begin(self, started: None) -> None:
        seconds = self._engine.limits.head_timeout
        if seconds:
            self._handshake_timer = self._server.reactor.callLater(seconds, self._time_out)
        super()._begin(started)

    def _time_out(self) -> None:
        self._handshake_timer = None
        self._refusal = "the TLS handshake took longer than head_timeout"
        self._transport.abortConnection()

    def _stop_timer(self) -> None:
        timer, self._handshake_timer = self._handshake_timer, None
        if timer is not None:
            timer.cancel()


def _log_refusal(transport: Any, reason: str) -> None:
    log.debug("RW510 {peer} is disconnected: {reason}.", peer=transport.getPeer(), reason=reason)
