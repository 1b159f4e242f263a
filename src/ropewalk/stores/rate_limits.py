"""The protocol of stores for rate limits (token buckets)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

ALMOST: Final = 0.999
"""A bucket with at least this fraction of a token counts as having one, because floating-point times are not exact."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket. A request takes one token from it."""

    limit: str
    """The namespace and the name of the bucket's limit. An app has only a few different limits."""
    key: str
    """The owner of the bucket, as a hash of 32 hexadecimal digits."""
    capacity: int
    """The maximum number of tokens in the bucket. A new bucket is full."""
    rate: float
    """The number of tokens added each second."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The result of `RateLimitStore.take`."""

    allowed: bool
    """Whether each bucket had a token. If not, no token was taken from any bucket."""
    tokens: tuple[float, ...]
    """The number of tokens left in each bucket, in the order of the buckets."""


class RateLimitStore(Protocol):
    """Stores token buckets. One store may serve several limits and namespaces."""

    async def take(self, buckets: Sequence[Bucket]) -> Taken:
        """Take a token from each bucket, or from none if a bucket is empty, as one atomic step.

        Raises StoreUnavailable if the store cannot be used at the moment.
        """
