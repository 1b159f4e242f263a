"""What the connections of an attack do, as values."""

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
    """One kind of bad manners. A crowd of connections has it at the same time."""

    first: bytes = b""
    """Sent as soon as the connection is there."""
    then: bytes = b""
    """Sent `interval` seconds after that, in place of the first drip."""
    drip: bytes = b""
    """Sent every `interval` seconds after that."""
    flood: bytes = b""
    """Sent after `first`, over and over, as fast as the server takes it, but not faster than `pace`."""
    pace: float = float("inf")
    """Bytes a second that the whole crowd sends at the most."""
    interval: float = 1.0
    reads: int = EVERYTHING
    """Bytes read every `interval` seconds, or everything at once."""
    window: int | None = None
    """The size of the receive buffer, before the kernel rounds it up."""
    parting: Parting = Parting.STAY
    """What it does when `first` is sent."""
    comes_back: bool = False
    """Whether it connects anew when it is gone."""

    @property
    def deaf(self) -> bool:
        """Whether responses are left unread."""
        return self.reads != EVERYTHING
