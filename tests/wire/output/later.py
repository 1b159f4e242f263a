"""A function to wait in any reactor."""

from twisted.internet.defer import Deferred


def later() -> "Deferred[None]":
    """A Deferred that fires in the reactor's next turn."""
    from twisted.internet import reactor

    waiting: Deferred[None] = Deferred()
    reactor.callLater(0, waiting.callback, None)
    return waiting
