"""A store of rate limits in the memory of this process, with a limit for the number of buckets."""

from collections.abc import Callable, Sequence
from heapq import heappop, heappush, heapreplace
from typing import Final

from ropewalk.clocks import monotonic
from ropewalk.errors import OptionError, shown
from ropewalk.stores.rate_limits import ALMOST, Bucket, Taken

CELLS: Final = 4096


class MemoryRateLimits:
    """Buckets in the memory of this process, at most `most_keys` of them. `clock` returns seconds, for tests.

    A bucket that is full again is forgotten. If there are already `most_keys` buckets, the one that will be full first
    is dropped. The time at which it would be full is kept in one of 4096 cells. A hash of the bucket's key, which
    clients cannot compute, chooses the cell. A new bucket in this cell starts with no more tokens than the dropped
    bucket would have by then. So a client gains nothing by filling the store with other keys, and only few new clients
    get fewer tokens.
    """

    def __init__(self, *, most_keys: int = 100_000, clock: Callable[[], float] = monotonic) -> None:
        if most_keys < 1:
            raise OptionError("RW235", f"most_keys is {shown(most_keys)}.", "Give 1 or more.")
        self._most_keys = most_keys
        self._clock = clock
        self._full_at: dict[tuple[str, str], float] = {}
        """The time at which each bucket will be full. The number of tokens in a bucket follows from this time."""
        self._order: list[tuple[float, tuple[str, str]]] = []
        """A heap with one entry for each bucket. The time in an entry may be earlier than the time in `_full_at`."""
        self._dropped: dict[tuple[str, int], float] = {}
        """For each limit and cell, the latest time at which a dropped bucket would be full."""

    def __len__(self) -> int:
        return len(self._full_at)

    def clear(self) -> None:
        """Forget all buckets, so that each key starts again with a full bucket. Call it between tests."""
        self._full_at.clear()
        self._order.clear()
        self._dropped.clear()

    async def take(self, buckets: Sequence[Bucket]) -> Taken:
        """Take tokens: see `RateLimitStore.take`."""
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
        """Forget up to two full buckets. A request usually adds one bucket, so the number of full buckets stays small,
        and no request has to remove many.
        """
        for _ in range(2):
            if not self._order or self._order[0][0] > now:
                return
            self._drop_first(now)

    def _drop_one(self, now: float) -> None:
        while not self._drop_first(now):
            pass

    def _drop_first(self, now: float) -> bool:
        """Drop the first bucket in the heap, and return True. If the bucket's entry in the heap is outdated, correct
        the entry and return False.
        """
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
    """The cell of a bucket. Clients cannot choose keys that share a cell, because Python's hash has a random seed for
    each process.
    """
    return limit, hash(key) % CELLS
