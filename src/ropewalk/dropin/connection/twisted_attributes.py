"""Attributes of Twisted's transports and channels that programs use, although no interface declares them.

Many programs contain `transport.socket.setsockopt(...)`, `transport.client[0]` or `channel.setTimeout(None)`. Buffers
(`dataBuffer`) and the methods that the reactor calls (`doRead`, `doWrite`) are left out.
"""

import os
from socket import SO_KEEPALIVE, SOL_SOCKET
from socket import socket as Socket
from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import UNIXAddress

from ropewalk.request import Address


class BorrowedSocket(Socket):
    """A socket object for a connection of the engine. It is closed when it is no longer referenced."""

    @classmethod
    def of(cls, descriptor: int) -> "BorrowedSocket":
        """Make a socket object from a duplicate of the descriptor. Raises OSError if the descriptor is closed."""
        return cls(fileno=os.dup(descriptor))

    def __del__(self) -> None:
        self.close()  # programs do not close it, because they regard it as the transport's socket


class TransportAttributes:
    """The attributes of `twisted.internet.tcp.Server`, for a `SocketTransport`."""

    SEND_LIMIT = FileDescriptor.SEND_LIMIT
    bufferSize = FileDescriptor.bufferSize
    producerPaused = False
    sessionno = 0
    TLS = False

    _client: Address
    _producer: Any
    factory_engine: Any

    @property
    def client(self) -> Any:
        """The address of the client, in the form that `socket.accept` returns."""
        return self._client if isinstance(self._client, tuple) else (self._client or "", None)

    @property
    def hostname(self) -> Any:
        """The host of the client."""
        return self.client[0]

    @property
    def logstr(self) -> str:
        """The name of the connection in Twisted's old logs."""
        return f"{self.logPrefix()},{self.sessionno},{self.hostname}"

    @property
    def producer(self) -> Any:
        """The registered producer; None if there is none."""
        return self._producer

    @property
    def streamingProducer(self) -> bool:
        """Whether the producer is a push producer, or was adapted to one."""
        return self._producer is not None

    @property
    def server(self) -> Any:
        """The port that accepted the connection; None if Twisted accepted it."""
        ours = self.getHost()
        what = "name" if isinstance(ours, UNIXAddress) else "port"
        ports = [each for each in getattr(self.factory_engine, "ports", ()) if hasattr(each.getHost(), what)]
        return next((each for each in ports if getattr(each.getHost(), what) == getattr(ours, what)), None)

    @property
    def socket(self) -> BorrowedSocket:
        """A new socket object, as `getHandle` returns it."""
        return BorrowedSocket.of(self.fileno())

    def getTcpKeepAlive(self) -> bool:
        """Whether the kernel probes a silent client."""
        with self.socket as handle:
            return bool(handle.getsockopt(SOL_SOCKET, SO_KEEPALIVE))

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Set whether the kernel probes a silent client."""
        with self.socket as handle:
            handle.setsockopt(SOL_SOCKET, SO_KEEPALIVE, enabled)

    def getTcpNoDelay(self) -> bool:
        """Return False, because this is not a TCP connection."""
        return False

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Do nothing, because this is not a TCP connection."""

    def startReading(self) -> None:
        """Call `resumeProducing`."""
        self.resumeProducing()

    def stopReading(self) -> None:
        """Call `pauseProducing`."""
        self.pauseProducing()

    def startWriting(self) -> None:
        """Do nothing, because the engine decides when it writes."""

    def stopWriting(self) -> None:
        """Do nothing, like `startWriting`."""

    def stopConsuming(self) -> None:
        """Unregister the producer, and close the connection."""
        self.unregisterProducer()
        self.loseConnection()

    def fileno(self) -> int:
        """Return the descriptor."""
        raise NotImplementedError

    def getHost(self) -> Any:
        """Return the server's address."""
        raise NotImplementedError

    def logPrefix(self) -> str:
        """Return the name of the protocol, for Twisted's log."""
        raise NotImplementedError

    def loseConnection(self) -> None:
        """Close the connection after all written bytes are sent."""
        raise NotImplementedError

    def pauseProducing(self) -> None:
        """Stop passing bytes to the protocol."""
        raise NotImplementedError

    def resumeProducing(self) -> None:
        """Continue to pass bytes to the protocol."""
        raise NotImplementedError

    def unregisterProducer(self) -> None:
        """Unregister the producer."""
        raise NotImplementedError


class ChannelAttributes:
    """The attributes of `twisted.web.http.HTTPChannel`, for the channel of a mounted resource."""

    connected = 1
    persistent = True
    timeOut: Any = None
    """Not used: the app's limits determine the timeouts, and none of them runs while a handler runs."""

    _request: Any

    @property
    def requests(self) -> list[Any]:
        """The requests that have no response yet."""
        request = vars(self).get("_request")
        return [] if request is None else [request]

    def setTimeout(self, period: Any) -> Any:
        """Store the period without further effect. Returns the previous period."""
        before, self.timeOut = self.timeOut, period
        return before

    def resetTimeout(self) -> None:
        """Do nothing, because no timeout runs."""

    def pauseProducing(self) -> None:
        """Do nothing, because the engine itself makes the client wait if its bytes are not read."""

    def resumeProducing(self) -> None:
        """Do nothing, like `pauseProducing`."""

    def stopProducing(self) -> None:
        """Close the connection now."""
        self.abortConnection()

    def abortConnection(self) -> None:
        """Close the connection now."""
        raise NotImplementedError
