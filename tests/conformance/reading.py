"""The requests that a parser of HTTP/1.1 finds in some bytes, and where two parsers differ."""

from dataclasses import dataclass, field, replace

Lines = list[tuple[bytes, bytes]]

DROPPED = set(
    b"transfer-encoding content-length content-encoding content-type content-range trailer host connection keep-alive "
    b"upgrade te expect range authorization proxy-authorization proxy-authenticate www-authenticate cookie set-cookie "
    b"forwarded cache-control max-forwards".split()
)
"""Trailers that our engine drops: they are about framing, routing or authentication (RFC 9110, 6.5.1)."""


@dataclass
class Message:
    """A request whose head was accepted. Names of fields are in lower case."""

    method: bytes
    target: bytes
    version: str
    fields: Lines
    body: bytes = b""
    trailers: Lines = field(default_factory=list)
    complete: bool = False

    def has_option(self, option: bytes) -> bool:
        """Whether the Connection field names the option."""
        values = [value.lower() for name, value in self.fields if name == b"connection"]
        return any(option == token.strip(b" \t") for value in values for token in value.split(b","))


@dataclass
class Reading:
    """Requests in order, and the state of the connection after the last complete request.

    `ending` is "open" (more may come), "closed" (nothing further is read) or "refused".
    """

    messages: list[Message]
    ending: str
    why: str = ""
    """The reason of a refusal."""
    starts: list[int] = field(default_factory=lambda: [0])
    """Where each message begins in the bytes, including the message after the last complete one. Only oracles set
    it."""

    @property
    def complete(self) -> list[Message]:
        return [message for message in self.messages if message.complete]


@dataclass
class Difference:
    """The first message that two parsers read differently."""

    start: int
    """Where the message begins."""
    what: str
    """A description of how the oracle and our engine read the message."""
    our_refusal: str = ""
    """Our reason, if we refuse."""
    their_refusal: str = ""
    """The reason of the oracle, if it refuses."""


def difference(oracle: Reading, ours: Reading) -> Difference | None:
    """Return the first difference. The contents of a message that both refuse do not count."""
    for number, (theirs, mine) in enumerate(zip(oracle.complete, ours.complete, strict=False)):
        if normal(theirs) != normal(mine):
            return Difference(oracle.starts[number], f"{theirs} is {mine} for us")
    agreed = min(len(oracle.complete), len(ours.complete))
    their_end, our_end = end(oracle, agreed), end(ours, agreed)
    if their_end == our_end:
        return None
    return Difference(
        oracle.starts[agreed],
        f"{their_end} ({oracle.why}), for us {our_end} ({ours.why})",
        ours.why if our_end == "refused" else "",
        oracle.why if their_end == "refused" else "",
    )


def normal(message: Message) -> Message:
    """A message without the trailers that we drop, and with its transfer coding as h11 reports it (RFC 9112, section
    7)."""
    return replace(
        message,
        fields=[(name, value.lower() if name == b"transfer-encoding" else value) for name, value in message.fields],
        trailers=[line for line in message.trailers if line[0] not in DROPPED],
    )


def end(reading: Reading, agreed: int) -> str:
    """The state of a parser after this many messages."""
    if len(reading.complete) > agreed:
        return f"takes {reading.messages[agreed]}"
    if reading.ending == "open" and len(reading.messages) > agreed:
        return f"waits for the rest of {normal(reading.messages[agreed])}"
    return reading.ending
