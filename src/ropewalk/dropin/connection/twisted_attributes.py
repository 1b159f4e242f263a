"""Attributes that programs read of Twisted's transports and channels, and that ours need for nothing themselves.

No interface names them, but `transport.socket.setsockopt(...)`, `transport.client[0]` and `channel.setTimeout(None)`
stand in many programs. What is not here tells how Twisted's own objects are made: their buffers of what is not sent yet
(`dataBuffer`), and what the reactor calls (`doRead`, `doWrite`). Both are the engine's.
"""

import os
from socket import SO_KEEPALIVE, SOL_SOCKET
from socket import socket as Socket
from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import UNIXAddress

from ropewalk.request import Address


class BorrowedSocket(Socket):
    """A socket object of its own for a connection that is the engine's. It is closed with its last user."""

    @classmethod
    def of(cls, descriptor: int) -> "BorrowedSocket":
        """One for a duplicate of the descriptor. Raises OSError where it is closed."""
        return cls(fileno=os.dup(descriptor))

    def __del__(self) -> None:
        self.close()  # a program takes it for the transport's, and closes nothing


class TransportAttributes:
    """Those of `twisted.internet.tcp.Server`, for a `SocketTransport`."""

    SEND_LIMIT = FileDescriptor.SEND_LIMIT
    bufferSize = FileDescriptor.bufferSize
    producerPaused = False
    sessionno = 0
    TLS = False

    _client: Address
    _producer: Any
    driver: Any

    @property
    def client(self) -> Any:
        """The address of the client, as `accept` gives it."""
        return self._client if isinstance(self._client, tuple) else (self._client or "", None)

    @property
    def hostname(self) -> Any:
        """The host of the client."""
        return self.client[0]

    @property
    def logstr(self) -> str:
        """What Twisted's old logs name a connection by."""
        return f"{self.logPrefix()},{self.sessionno},{self.hostname}"

    @property
    def producer(self) -> Any:
        """What is registered, None where nothing is."""
        return self._producer

    @property
    def streamingProducer(self) -> bool:
        """Whether something is registered: it is a push producer, or has been made one."""
        return self._producer is not None

    @property
    def server(self) -> Any:
        """The port on which the connection came; None where Twisted has accepted it."""
        ours = self.getHost()
        what = "name" if isinstance(ours, UNIXAddress) else "port"
        ports = [each for each in getattr(self.driver, "ports", ()) if hasattr(each.getHost(), what)]
        return next((each for each in ports if getattr(each.getHost(), what) == getattr(ours, what)), None)

    @property
    def socket(self) -> BorrowedSocket:
        """As `getHandle`."""
        return BorrowedSocket.of(self.fileno())

    def getTcpKeepAlive(self) -> bool:
        """Whether the kernel looks after a silent client."""
        with self.socket as handle:
            return bool(handle.getsockopt(SOL_SOCKET, SO_KEEPALIVE))

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Have it, or not."""
        with self.socket as handle:
            handle.setsockopt(SOL_SOCKET, SO_KEEPALIVE, enabled)

    def getTcpNoDelay(self) -> bool:
        """False where it is no TCP."""
        return False

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Nothing where it is no TCP."""

    def startReading(self) -> None:
        """As `resumeProducing`."""
        self.resumeProducing()

    def stopReading(self) -> None:
        """As `pauseProducing`."""
        self.pauseProducing()

    def startWriting(self) -> None:
        """The engine writes by itself."""

    def stopWriting(self) -> None:
        """As `startWriting`."""

    def stopConsuming(self) -> None:
        """The producer is not to write any more, and the connection is closed."""
        self.unregisterProducer()
        self.loseConnection()

    def fileno(self) -> int:
        """The descriptor."""
        raise NotImplementedError

    def getHost(self) -> Any:
        """Our end."""
        raise NotImplementedError

    def logPrefix(self) -> str:
        """For Twisted's log."""
        raise NotImplementedError

    def loseConnection(self) -> None:
        """Close."""
        raise NotImplementedError

    def pauseProducing(self) -> None:
        """Hand over nothing more for now."""
        raise NotImplementedError

    def resumeProducing(self) -> None:
        """Go on."""
        raise NotImplementedError

    def unregisterProducer(self) -> None:
        """It has written all it has."""
        raise NotImplementedError


class ChannelAttributes:
    """Those of `twisted.web.http.HTTPChannel`, for the channel of a mounted resource, whose connection is an app's."""

    connected = 1
    persistent = True
    timeOut: Any = None
    """The app's limits count, of which none runs while a handler is at work."""

    _request: Any

    @property
    def requests(self) -> list[Any]:
        """Those that are being answered."""
        request = vars(self).get("_request")
        return [] if request is None else [request]

    def setTimeout(self, period: Any) -> Any:
        """Note the period; which it was before."""
        before, self.timeOut = self.timeOut, period
        return before

    def resetTimeout(self) -> None:
        """Nothing runs."""

    def pauseProducing(self) -> None:
        """The client is held up by what nobody reads."""

    def resumeProducing(self) -> None:
        """As `pauseProducing`."""

    def stopProducing(self) -> None:
        """Cut the connection."""
        self.abortConnection()

    def abortConnection(self) -> None:
        """Close the connection now."""
        raise NotImplementedError
