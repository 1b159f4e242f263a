"""The engine's exchange for each request of a twisted.web program."""

from typing import TYPE_CHECKING

from ropewalk.request import Request

if TYPE_CHECKING:
    from ropewalk.dropin.connection.channel import HTTPChannel
    from ropewalk.dropin.graft.bridge import AppBridge


class RelayedExchange(Request):
    """One request and its response, for which the program's `twisted.web.http.Request` writes the bytes."""

    __slots__ = ("bridge", "channel")

    channel: "HTTPChannel"
    bridge: "AppBridge"
    """The bridge to the app that responds. Set only if an app responds; see `GraftedRequest`."""

    def on_readable(self) -> None:
        self.channel.readable(self)

    def on_writable(self) -> None:
        self.channel.writable()

    def on_gone(self, reason: str, /) -> None:
        del reason
        self.channel.gone(self)
