"""Reads requests with h11."""

import h11
from tests.conformance.reading import Message, Reading


def read(data: bytes) -> Reading:
    """The requests in the data.

    Each request has its own h11 connection, so that reading continues where h11 would have closed: h11 has no
    keep-alive in HTTP/1.0, and accepts no empty line before a request line. Both are allowed.
    """
    reading = Reading([], "open")
    at = 0
    while rest := data[at:].removeprefix(b"\r\n"):
        connection = h11.Connection(h11.SERVER)
        connection.receive_data(rest)
        try:
            complete = read_one(connection, reading.messages)
        except h11.RemoteProtocolError as error:
            reading.ending, reading.why = "refused", str(error)
            break
        if not complete:
            break
        at = len(data) - len(connection.trailing_data[0])
        reading.starts.append(at)
        if not persists(connection, reading.messages[-1]):
            reading.ending = "closed"
            break
    return reading


def read_one(connection: h11.Connection, messages: list[Message]) -> bool:
    """Append the next message, as far as it has arrived. Returns whether it is complete."""
    while True:
        event = connection.next_event()
        match event:
            case h11.NEED_DATA:
                return False
            case h11.Request():
                version = event.http_version.decode()
                messages.append(Message(event.method, event.target, version, list(event.headers)))
            case h11.Data():
                messages[-1].body += event.data
            case h11.EndOfMessage():
                messages[-1].trailers = list(event.headers)
                messages[-1].complete = True
                return True


def persists(connection: h11.Connection, message: Message) -> bool:
    """Whether the connection persists after this request (RFC 9112, section 9.3)."""
    if message.version == "1.0":
        return message.has_option(b"keep-alive") and not message.has_option(b"close")
    return connection.their_state is h11.DONE
