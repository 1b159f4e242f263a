"""The habits of the connections of an attack, as values."""

import enum
from dataclasses import dataclass
from typing import Final

EVERYTHING: Final = 1 << 62


class Parting(enum.Enum):
    """How an attacker ends a connection."""

    STAY = "stays until the server closes"
    FIN = "closes"
    RST = "resets"


@dataclass(frozen=True, slots=True)
class Habit:
    """One kind of misbehaviour, which all connections of a crowd have at the same time."""

    first: bytes = b""
    """Sent after the connect."""
    then: bytes = b""
    """Sent `interval` seconds after `first`, in place of the first drip."""
    drip: bytes = b""
    """Sent every `interval` seconds after `first`."""
    flood: bytes = b""
    """Sent after `first`, repeatedly, as fast as the server reads it, but not faster than `pace`."""
    pace: float = float("inf")
    """The most bytes a second that the whole crowd sends."""
    interval: float = 1.0
    reads: int = EVERYTHING
    """The number of bytes that are read every `interval` seconds, or `EVERYTHING`."""
    window: int | None = None
    """The size of the receive buffer, before the kernel rounds it up."""
    parting: Parting = Parting.STAY
    """What the connection does after `first` was sent."""
    comes_back: bool = False
    """Whether it connects again when the connection has ended."""

    @property
    def deaf(self) -> bool:
        """Whether responses are left unread."""
        return self.reads != EVERYTHING
