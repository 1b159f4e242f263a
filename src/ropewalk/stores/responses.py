"""The protocol of stores for cached responses."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

Variant = Callable[[tuple[str, ...]], str]
"""Computes which variant of a response a request selects, from the names of the request fields that distinguish them.
For no names, it is the empty str."""


class PreparedValue:
    """A stored response as a value that the engine sends without Python code, during one second."""

    __slots__ = ("has_date", "maker", "shared", "since", "until", "value")

    def __init__(self, value: Any, since: float, until: float, *, shared: bool, has_date: bool, maker: object) -> None:
        self.value = value
        self.since = since
        self.until = until
        self.shared = shared
        """As `StoredResponse.shared`."""
        self.has_date = has_date
        """Whether the response has a Last-Modified."""
        self.maker = maker
        """What has made it, if several caches use the store."""

    def drop(self) -> None:
        """Make it unusable, because the store has dropped the response."""
        self.value, self.until = None, 0.0


@dataclass(slots=True, eq=False)
class StoredResponse:
    """A response in a cache. Times are in seconds since 1970."""

    status: int
    """The status, such as 200."""
    fields: tuple[tuple[str, str], ...]
    """The header fields, with names in lower case."""
    body: bytes
    """The body, encoded in its charset."""
    made: float
    """When the response was made by the origin (RFC 9111, section 4.2.3)."""
    fresh_until: float
    """From this time on, the response is stale."""
    revalidate_until: float
    """Until then, the stale response may be sent while a new one is made (RFC 5861, section 3)."""
    error_until: float
    """Until then, the stale response may be sent if the handler fails (RFC 5861, section 4)."""
    shared: bool = False
    """Whether the response may be sent to requests with credentials (RFC 9111, section 3.5)."""
    labels: tuple[str, ...] = ()
    """The labels by which `purge` finds the response: tags and URLs. A store need not return them."""
    prepared: PreparedValue | None = field(default=None, repr=False)
    """What a cache has prepared to send the response faster. A store in memory calls its `drop` when it drops the
    response; other stores ignore it."""

    @property
    def usable_until(self) -> float:
        """The time from which on the response has no use."""
        return max(self.fresh_until, self.revalidate_until, self.error_until)


class Found(NamedTuple):
    """What a store has for a key."""

    response: StoredResponse | None
    """The response for the variant of the request; None if there is none."""
    vary: tuple[str, ...]
    """The names of the request fields that distinguish the variants of the key, in lower case."""
    since: int
    """The number of the last purge. `save` refuses a response that a later purge concerns."""


class ResponseStore(Protocol):
    """Stores responses. Each method is one atomic step, and raises StoreUnavailable if the step fails.

    A key identifies a URL; its variants differ in the request fields that the field Vary of the responses names.
    """

    async def find(self, key: str, variant: Variant) -> Found:
        """Find the response of a key for the variant of a request. A response that a purge concerns is not found."""

    async def save(self, key: str, vary: tuple[str, ...], variant: str, response: StoredResponse, since: int) -> None:
        """Store a response until its `usable_until`, in the place of an older one of this variant.

        `vary` has the names that distinguish the variants of the key from now on. Nothing is stored if a purge after
        `since` (from `find`) concerns one of the response's labels, because the response may be older than the purge.
        """

    async def purge(self, labels: Collection[str]) -> None:
        """Drop each response that has one of these labels, also responses that are being made now."""
