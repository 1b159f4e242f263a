"""Cached responses in the memory of this process: which it finds, and which it drops first."""

from collections.abc import Callable, Collection
from typing import Final

from ropewalk.clocks import unix_time
from ropewalk.errors import OptionError, is_int, shown
from ropewalk.stores.responses import Found, StoredResponse, Variant

ENTRY_COST: Final = 1024
"""The bytes that are added to the size of each response, for its objects in memory."""
MOST_PURGES: Final = 2000
"""How many labels are remembered after their purge. Each may concern a response that is being made."""

_Place = tuple[str, str]
"""A key and a variant."""


class _Group:
    """The variants of one key."""

    __slots__ = ("variants", "vary")

    def __init__(self, vary: tuple[str, ...]) -> None:
        self.vary = vary
        self.variants: dict[str, StoredResponse] = {}


class MemoryResponses:
    """Cached responses in the memory of this process. They are lost when the process restarts. `clock` returns seconds
    since 1970; replace it in tests.

    The responses use at most `most_bytes`, counted with 1 KiB for each response. If they need more, the response that
    was not sent for the longest time is dropped. A key has at most `most_variants` variants.
    """

    def __init__(
        self,
        *,
        most_bytes: int = 64 * 1024 * 1024,
        most_variants: int = 32,
        clock: Callable[[], float] = unix_time,
    ) -> None:
        for name, number, least in (("most_bytes", most_bytes, 0), ("most_variants", most_variants, 1)):
            if not is_int(number) or number < least:
                raise OptionError("RW235", f"{name} is {shown(number)}.", f"Give an int of at least {least}.")
        self._most_bytes = most_bytes
        self._most_variants = most_variants
        self._clock = clock
        self._groups: dict[str, _Group] = {}
        self._sizes: dict[_Place, int] = {}
        """The bytes of each response, the one that was not sent for the longest time first."""
        self._places: dict[str, set[_Place]] = {}
        """The places of the responses by label."""
        self._bytes = 0
        self._sequence = 0
        self._purged: dict[str, int] = {}
        """The number of the last purge of each label, the oldest first."""
        self._forgotten = 0
        """The number of the last purge that is no longer in `_purged`."""

    def __len__(self) -> int:
        return len(self._sizes)

    @property
    def size(self) -> int:
        """The number of bytes that the responses use."""
        return self._bytes

    def clear(self) -> None:
        """Forget all responses. Call it between tests."""
        for place in tuple(self._sizes):
            self._drop(place)
        self._groups.clear()
        self._sizes.clear()
        self._places.clear()
        self._purged.clear()
        self._bytes = 0
        self._sequence += 1
        self._forgotten = self._sequence  # a response that is being made is not stored

    async def find(self, key: str, variant: Variant) -> Found:
        """See ResponseStore."""
        return self.find_now(key, variant)

    def find_now(self, key: str, variant: Variant) -> Found:
        """Like `find`, without an await."""
        group = self._groups.get(key)
        if group is None:
            return Found(None, (), self._sequence)
        name = variant(group.vary)
        response = group.variants.get(name)
        if response is not None:
            if response.usable_until <= self._clock():
                self._drop((key, name))
                response = None
            else:
                self._use((key, name))
        return Found(response, group.vary, self._sequence)

    def only_variant(self, key: str) -> StoredResponse | None:
        """The response of a key without variants; None if there is none, or if there are variants."""
        group = self._groups.get(key)
        if group is None or group.vary:
            return None
        response = group.variants.get("")
        if response is not None:
            self._use((key, ""))
        return response

    async def save(self, key: str, vary: tuple[str, ...], variant: str, response: StoredResponse, since: int) -> None:
        """See ResponseStore."""
        if since < self._forgotten or any(self._purged.get(label, 0) > since for label in response.labels):
            return
        size = _size_of(key, variant, response)
        if size > self._most_bytes or response.usable_until <= self._clock():
            return
        group = self._groups.get(key)
        if group is not None and group.vary != vary:
            self._drop_all(key, group)  # they were stored by other fields, so they could not be found any more
            group = None
        if group is not None:
            if variant in group.variants:
                self._drop((key, variant))
            elif len(group.variants) >= self._most_variants:
                self._drop((key, next(iter(group.variants))))
        group = self._groups.setdefault(key, _Group(vary))  # dropping the last variant has removed the group
        place = key, variant
        group.variants[variant] = response
        self._sizes[place] = size
        self._bytes += size
        for label in response.labels:
            self._places.setdefault(label, set()).add(place)
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._sizes)))

    async def purge(self, labels: Collection[str]) -> None:
        """See ResponseStore."""
        self._sequence += 1
        for label in labels:
            for place in tuple(self._places.get(label, ())):
                self._drop(place)
            self._purged.pop(label, None)
            self._purged[label] = self._sequence
        while len(self._purged) > MOST_PURGES:
            self._forgotten = self._purged.pop(next(iter(self._purged)))

    def _use(self, place: _Place) -> None:
        self._sizes[place] = self._sizes.pop(place)

    def _drop_all(self, key: str, group: _Group) -> None:
        for variant in tuple(group.variants):
            self._drop((key, variant))

    def _drop(self, place: _Place) -> None:
        key, variant = place
        group = self._groups[key]
        response = group.variants.pop(variant)
        if not group.variants:
            del self._groups[key]
        self._bytes -= self._sizes.pop(place)
        if response.prepared is not None:
            response.prepared.drop()
        for label in response.labels:
            places = self._places[label]
            places.discard(place)
            if not places:
                del self._places[label]


def _size_of(key: str, variant: str, response: StoredResponse) -> int:
    fields = sum(len(name) + len(value) for name, value in response.fields)
    labels = sum(map(len, response.labels))
    return ENTRY_COST + len(key) + len(variant) + fields + labels + len(response.body)
