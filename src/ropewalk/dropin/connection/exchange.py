"""What the engine makes of each request to a twisted.web program."""

from typing import TYPE_CHECKING

from ropewalk.request import Request

if TYPE_CHECKING:
    from ropewalk.dropin.connection.channel import HTTPChannel
    from ropewalk.dropin.graft.bridge import AppBridge


class RelayedExchange(Request):
    """One request on the wire and its answer, below the `twisted.web.http.Request` that the program sees."""

    __slots__ = ("bridge", "channel")

    channel: "HTTPChannel"
    bridge: "AppBridge"
    """Set where an app answers, see `GraftedRequest`."""

    def on_readable(self) -> None:
        self.channel.readable(self)

    def on_writable(self) -> None:
        self.channel.writable()

    def on_gone(self, reason: str, /) -> None:
        del reason
        self.channel.gone(self)
