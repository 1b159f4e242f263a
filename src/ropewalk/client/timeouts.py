"""`Timeouts`: how long the phases of a call may take."""

from dataclasses import dataclass

from ropewalk.client.option_checks import check_optional_seconds
from ropewalk.errors import KnownOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts(KnownOptions):
    """How long the phases of a call may take, in seconds; None for no limit. Raises OptionError (RW359)."""

    connect: float | None = 5.0
    """Until the connection is made. With httpx2, this includes TLS."""
    read: float | None = 30.0
    """Until the service sends the next bytes of its response."""
    write: float | None = 30.0
    """Until the service reads the next bytes of the request."""
    pool: float | None = 5.0
    """Until a connection is free, if `connections` calls are running."""
    total: float | None = 60.0
    """Until the whole call ends, with redirects and retries. For `stream`, until the head of the response arrives."""

    def __post_init__(self) -> None:
        for phase in ("connect", "read", "write", "pool", "total"):
            check_optional_seconds(self, phase)
