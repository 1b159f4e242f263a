"""A wait on any reactor."""

from twisted.internet.defer import Deferred


def later() -> "Deferred[None]":
    """Fires at the reactor's next turn."""
    from twisted.internet import reactor

    waiting: Deferred[None] = Deferred()
    reactor.callLater(0, waiting.callback, None)
    return waiting
