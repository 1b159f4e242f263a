"""Responses that the channel makes, because the program does not get a request or its response cannot be sent."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger
from twisted.python.failure import Failure

from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.errors import (
    BeyondLength,
    Disconnected,
    HostedError,
    InvalidField,
    ResponseEnded,
    RopewalkError,
    is_status,
    phrase,
)

if TYPE_CHECKING:
    from ropewalk.dropin.connection.channel import HTTPChannel

log = Logger(namespace="ropewalk.dropin")


def refuse_response(channel: "HTTPChannel", exchange: RelayedExchange, error: RopewalkError) -> None:
    """Log why a response cannot be sent, and respond with 500. The error is not raised in the program, which could not
    handle it."""
    if type(error) is Disconnected:  # but not its subclass ParentsRequest, which has to be logged
        return
    failure = Failure(_explained(error, channel.requests))
    log.failure("{channel} cannot send a response of the application.", failure, channel=channel)
    channel._exchange = None
    channel._refused = True
    with suppress(ResponseEnded, Disconnected):
        respond_plainly(channel, exchange, 500)


def refuse_request(channel: "HTTPChannel", exchange: RelayedExchange) -> None:
    """Respond with 400 without waiting for the rest of the request, as twisted.web does."""
    channel._exchange = None
    exchange.close_after()
    exchange.relay(400, b"Bad Request", {}, b"")
    channel._link.flush(channel)


def cut_response(channel: "HTTPChannel", error: BeyondLength) -> None:
    """Close the connection after a body that was sent up to its Content-Length. The excess is dropped."""
    if not (channel._losing or channel._closing):  # otherwise the connection is already being closed
        log.failure("{channel} drops the bytes beyond the Content-Length.", Failure(error), channel=channel)
        channel._link.flush(channel)
        channel.loseConnection()


def respond_plainly(channel: "HTTPChannel", exchange: RelayedExchange, status: int) -> None:
    """Send a plain response with this status, or abort the exchange if a response has begun."""
    if exchange.started:
        exchange.abort()
    else:
        exchange.close_after()
        exchange.respond(status, (), f"{phrase(status)}\n")
    channel._link.flush(channel)


def _explained(error: RopewalkError, requests: list[Any]) -> RopewalkError:
    """Return the error to log for a response to the first request: RW751 if its status is invalid."""
    request = requests[0] if requests else None
    status = getattr(request, "code", None)
    if request is None or is_status(status) or not isinstance(error, InvalidField):
        return error
    target = b"%b %b" % (request.method, request.uri)
    message = f"{target.decode(errors='backslashreplace')}: the program responds with the status {status!r}."
    found = HostedError("RW751", message)
    found.__cause__ = error
    return found
