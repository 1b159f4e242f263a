"""The store of rate limits: token buckets, and how they are kept in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush, heapreplace
from typing import Final, Protocol

from ropewalk.clocks import monotonic
from ropewalk.errors import HandlerError, shown

ALMOST: Final = 0.999
"""The part of a token that counts as one: times are floating-point numbers."""

CELLS: Final = 4096


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket, which a request takes one token from."""

    limit: str
    """The limit that the bucket belongs to, with its scope. A program has few."""
    key: str
    """Whose bucket it is: 32 hexadecimal digits, a hash."""
    capacity: int
    """The most tokens. A bucket is full at first."""
    rate: float
    """Tokens that are added in a second."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What `take` has done."""

    allowed: bool
    """Whether each bucket had a token. If not, none was taken from any."""
    tokens: tuple[float, ...]
    """The tokens that are left in each bucket, in the order of the buckets."""


class RateLimitStore(Protocol):
    """Keeps token buckets. An instance may serve several limits and scopes."""

    async def take(self, buckets: Sequence[Bucket]) -> Taken:
        """Take a token from each bucket, or from none of them if one is empty, as one atomic step.

        Raises StoreUnavailable if that is not possible at the moment.
        """


class MemoryRateLimits:
    """Buckets in the memory of this process, at most `most_keys` of them. `clock` returns seconds, for tests.

    A bucket that is full again is forgotten. If all `most_keys` are in use, the one that will be full first is dropped.
    It leaves a mark in one of 4096 cells, which its key chooses by a hash that clients do not know: keys of that cell
    start with no more tokens than the dropped bucket has by then. So a client gains nothing by filling the store with
    other keys, and few new clients lose anything.
    """

    def __init__(self, *, most_keys: int = 100_000, clock: Callable[[], float] = monotonic) -> None:
        if most_keys < 1:
            raise HandlerError("RW235", f"most_keys is {shown(most_keys)}.", "Give 1 or more.")
        self._most_keys = most_keys
        self._clock = clock
        self._full_at: dict[tuple[str, str], float] = {}
        """When each bucket will be full. This says how many tokens it has now."""
        self._order: list[tuple[float, tuple[str, str]]] = []
        """A heap with one entry for each bucket. Its time may be an earlier one than that in `_full_at`."""
        self._dropped: dict[tuple[str, int], float] = {}
        """For each limit and cell, the latest time at which a bucket that was dropped would have been full."""

    def __len__(self) -> int:
        return len(self._full_at)

    async def take(self, buckets: Sequence[Bucket]) -> Taken:
        """See RateLimitStore."""
        now = self._clock()
        self._forget_full(now)
        full_at = [self._when_full(each, now) for each in buckets]
        tokens = [each.capacity - (full - now) * each.rate for each, full in zip(buckets, full_at, strict=True)]
        if any(left < ALMOST for left in tokens):
            return Taken(False, tuple(tokens))
        for each, full in zip(buckets, full_at, strict=True):
            self._keep((each.limit, each.key), full + 1 / each.rate, now)
        return Taken(True, tuple(max(0.0, left - 1) for left in tokens))

    def _when_full(self, bucket: Bucket, now: float) -> float:
        full = self._full_at.get((bucket.limit, bucket.key))
        if full is None:
            full = self._dropped.get(_cell(bucket.limit, bucket.key), now)
        return max(now, min(full, now + bucket.capacity / bucket.rate))

    def _keep(self, name: tuple[str, str], full: float, now: float) -> None:
        if name not in self._full_at:
            if len(self._full_at) >= self._most_keys:
                self._drop_one(now)
            heappush(self._order, (full, name))
        self._full_at[name] = full

    def _forget_full(self, now: float) -> None:
        """Forget up to two buckets that are full, for the one or few that a request adds."""
        for _ in range(2):
            if not self._order or self._order[0][0] > now:
                return
            self._drop_first(now)

    def _drop_one(self, now: float) -> None:
        while not self._drop_first(now):
            pass

    def _drop_first(self, now: float) -> bool:
        """Drop the first bucket of the heap. If its entry is outdated, correct the entry and return False."""
        noted, name = self._order[0]
        full = self._full_at[name]
        if full > noted:
            heapreplace(self._order, (full, name))
            return False
        heappop(self._order)
        del self._full_at[name]
        if full > now:
            cell = _cell(*name)
            self._dropped[cell] = max(full, self._dropped.get(cell, full))
        return True


def _cell(limit: str, key: str) -> tuple[str, int]:
    """The cell of a key. Clients cannot choose keys of one cell: Python's hash has a random seed for each process."""
    return limit, hash(key) % CELLS
