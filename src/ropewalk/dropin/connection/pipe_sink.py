"""Where the engine's bytes go when a transport of Twisted's carries them."""

from typing import TYPE_CHECKING, Any

from twisted.internet.abstract import FileDescriptor
from twisted.protocols.policies import ProtocolWrapper

from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.server.sites import is_plain_socket

if TYPE_CHECKING:
    from ropewalk.dropin.connection.channel import HTTPChannel


class PipeSink:
    """Joins a channel's pipe to its transport."""

    def __init__(self, channel: "HTTPChannel", transport: Any) -> None:
        self._channel = channel
        self._transport = transport
        self._protocol = self._present()
        self._over = False
        self.ended = False
        """All is written, and what the client still sends is dropped."""
        self.exhausted = False
        """That has gone on for as long as it may."""
        self._plain = is_plain_socket(transport)

    def begin(self, exchange: RelayedExchange) -> None:
        """A request: what was written before is with the transport first, to which its program may write by itself."""
        self._channel.push()
        if self.is_closing():  # Twisted's channel reads no further either
            self._over = True
            exchange.channel = self._channel
            exchange.abort()
        else:
            self._channel.begin(exchange)

    def is_closing(self) -> bool:
        """Whether a program has closed the transport by itself, which may still be open for what was written."""
        # 1 or True: transports of tests have whatever they need there, such as a function.
        return getattr(self._transport, "disconnecting", False) in (1, True)

    def is_ours(self) -> bool:
        """Whether the transport is still the channel's, and its protocol the one that it had at first."""
        return self._channel.transport is self._transport and self._present() is self._protocol

    def pass_on(self, data: bytes) -> None:
        """To whom the transport belongs by now."""
        if data:
            self._present().dataReceived(data)

    def let_go(self) -> None:
        """The transport is gone, or another's: nothing of the pipe is for it any more."""
        self._over = True

    def write(self, data: bytes, /) -> None:
        """Bytes for the client."""
        if self._over:
            return
        transport = self._transport
        waits = self._plain and (transport.dataBuffer or transport._tempDataLen or transport.disconnecting)  # noqa: SLF001
        if self._plain and not waits and not transport.TLS:
            # Write now: a write in the reactor's next iteration costs two changes of the poller's registration.
            sent = transport.writeSomeData(data)
            if isinstance(sent, int) and sent > 0:
                data = data[sent:]
        if data:
            transport.write(data)

    def end_writing(self) -> None:
        """The last response is out, and the client may be sending still."""
        if not self._over:
            self.ended = True
            self._channel.last_response_sent(reads_on=True)

    def close(self) -> None:
        """The last response is out."""
        if not self._over:
            self.exhausted = self.ended
            self._channel.last_response_sent()

    def abort(self) -> None:
        """The connection is to be cut."""
        if not self._over:
            self._channel.abortConnection()

    def refuse(self) -> None:
        """What came is no request."""
        if not self._over:
            self._channel._respondToBadRequestAndDisconnect()  # noqa: SLF001 - twisted.web's name, which programs override

    def pause_reading(self) -> None:
        """The channel itself counts what comes while it answers."""

    def resume_reading(self) -> None:
        """As `pause_reading`."""

    def _present(self) -> Any:
        transport = self._transport
        name = "wrappedProtocol" if isinstance(transport, ProtocolWrapper) else "protocol"
        return getattr(transport, name, None)


def is_on_socket(transport: Any) -> bool:
    """Whether a socket of the reactor's is below a transport, as it is below TLS. Tests have others."""
    while isinstance(transport, ProtocolWrapper):
        transport = transport.transport
    return isinstance(transport, FileDescriptor)
