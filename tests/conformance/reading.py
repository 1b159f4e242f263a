"""What a reader of HTTP/1.1 made of some bytes, and where two readers differ."""

from dataclasses import dataclass, field, replace

Lines = list[tuple[bytes, bytes]]

DROPPED = set(
    b"transfer-encoding content-length content-encoding content-type content-range trailer host connection keep-alive "
    b"upgrade te expect range authorization proxy-authorization proxy-authenticate www-authenticate cookie set-cookie "
    b"forwarded cache-control max-forwards".split()
)
"""Trailers that an application of ours does not get: they are about framing, routing or who asks (RFC 9110, 6.5.1)."""


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
        """Whether Connection names it."""
        values = [value.lower() for name, value in self.fields if name == b"connection"]
        return any(option == token.strip(b" \t") for value in values for token in value.split(b","))


@dataclass
class Reading:
    """Requests in their order, and what became of the connection behind the last that is complete.

    `ending` is "open" (more may come), "closed" (nothing further is read) or "refused".
    """

    messages: list[Message]
    ending: str
    why: str = ""
    """The reason of a refusal."""
    starts: list[int] = field(default_factory=lambda: [0])
    """Where each message begins in the bytes, the one behind the last that is complete included. Oracles tell."""

    @property
    def complete(self) -> list[Message]:
        return [message for message in self.messages if message.complete]


@dataclass
class Difference:
    """Where two readers part ways: both took the messages before this one for the same."""

    start: int
    """Where the message in question begins."""
    what: str
    """How it is read by the oracle and by us."""
    our_refusal: str = ""
    """Our reason, where it is we who refuse."""
    their_refusal: str = ""
    """The oracle's, where it is that."""


def difference(oracle: Reading, ours: Reading) -> Difference | None:
    """The first difference. What is in a message that both refuse is no difference."""
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
    """A message without what we mean to change, and with its coding as h11 has it (RFC 9112, section 7)."""
    return replace(
        message,
        fields=[(name, value.lower() if name == b"transfer-encoding" else value) for name, value in message.fields],
        trailers=[line for line in message.trailers if line[0] not in DROPPED],
    )


def end(reading: Reading, agreed: int) -> str:
    """What a reader does behind so many messages."""
    if len(reading.complete) > agreed:
        return f"takes {reading.messages[agreed]}"
    if reading.ending == "open" and len(reading.messages) > agreed:
        return f"waits for the rest of {normal(reading.messages[agreed])}"
    return reading.ending
