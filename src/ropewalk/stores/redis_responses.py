"""Cached responses in Redis. Each step is one script, so it is atomic."""

from collections.abc import Callable, Collection
from hashlib import sha256
from typing import Any, Final

import msgspec

from ropewalk.clocks import unix_time
from ropewalk.errors import OptionError, shown
from ropewalk.stores.redis_server import RedisServer
from ropewalk.stores.responses import Found, StoredResponse, Variant
from ropewalk.waiting import Waiter

_IS_PURGED: Final = """
local function is_purged(since, labels)
  for _, label in ipairs(labels) do
    local purged = redis.call('GET', ARGV[1] .. ':purged:' .. label)
    if purged and tonumber(purged) > tonumber(since) then return true end
  end
  return false
end
"""
FIND: Final = (
    _IS_PURGED
    + """
local sequence = redis.call('GET', ARGV[1] .. ':purges') or '0'
local found = redis.call('HMGET', KEYS[1], 'vary', 'about:' .. ARGV[2], 'response:' .. ARGV[2])
if not found[1] then return {sequence, '', false} end
if not found[2] then return {sequence, found[1], false} end
local about = cjson.decode(found[2])
if is_purged(about.since, about.labels) then
  redis.call('HDEL', KEYS[1], 'about:' .. ARGV[2], 'response:' .. ARGV[2])
  return {sequence, found[1], false}
end
return {sequence, found[1], found[3]}
"""
)
SAVE: Final = (
    _IS_PURGED
    + """
local about = cjson.decode(ARGV[4])
if is_purged(about.since, about.labels) then return end
if redis.call('HGET', KEYS[1], 'vary') ~= ARGV[3] then
  redis.call('DEL', KEYS[1])
elseif redis.call('HLEN', KEYS[1]) > 2 * tonumber(ARGV[7]) - 1
    and redis.call('HEXISTS', KEYS[1], 'about:' .. ARGV[2]) == 0 then
  redis.call('DEL', KEYS[1])
end
local left = redis.call('PTTL', KEYS[1])
redis.call('HSET', KEYS[1], 'vary', ARGV[3], 'about:' .. ARGV[2], ARGV[4], 'response:' .. ARGV[2], ARGV[5])
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(left, tonumber(ARGV[6]))))
"""
)
PURGE: Final = """
local last = tonumber(redis.call('GET', ARGV[1] .. ':purges') or '0')
local sequence = string.format('%.0f', math.max(last + 1, tonumber(ARGV[2])))
redis.call('SET', ARGV[1] .. ':purges', sequence)
for index = 4, #ARGV do redis.call('SET', ARGV[1] .. ':purged:' .. ARGV[index], sequence, 'PX', ARGV[3]) end
"""

_DAY: Final = 24 * 60 * 60


class RedisResponses:
    """Cached responses in Redis or Valkey, which all processes and machines share. The name of each key begins with
    `prefix`.

    No response is kept for more than `longest` seconds. A key has at most `most_variants` variants: with one more, all
    are dropped. Responses expire according to the server's clock. The server may evict keys: configure the policy
    `volatile-ttl` or `allkeys-lru`, but keep `maxmemory` large enough that it does not evict the marks of purges, which
    are small and last for `longest`.
    """

    def __init__(
        self,
        server: RedisServer,
        *,
        prefix: str = "ropewalk:response",
        longest: float = _DAY,
        most_variants: int = 32,
        clock: Callable[[], float] = unix_time,
    ) -> None:
        for name, number in (("longest", longest), ("most_variants", most_variants)):
            given: object = number
            if not isinstance(given, int | float) or given < 1:
                raise OptionError("RW235", f"{name} is {shown(number)}.", "Give 1 or more.")
        self._server = server
        self._prefix = prefix
        self._longest = longest
        self._most_variants = most_variants
        self._clock = clock
        self._scripts: dict[str, Any] = {}

    async def find(self, key: str, variant: Variant) -> Found:
        """See ResponseStore."""
        name = variant(())
        sequence, vary, encoded = await self._find(key, name)
        if vary:
            name = variant(vary)
            sequence, vary_now, encoded = await self._find(key, name)
            if vary_now != vary:  # the variants were stored by other fields meanwhile
                return Found(None, vary_now, sequence)
        response = None if encoded is None else _decoded(encoded)
        if response is not None and response.usable_until <= self._clock():
            response = None
        return Found(response, vary, sequence)

    async def save(self, key: str, vary: tuple[str, ...], variant: str, response: StoredResponse, since: int) -> None:
        """See ResponseStore."""
        seconds = min(response.usable_until - self._clock(), self._longest)
        if seconds <= 0:
            return
        about = msgspec.json.encode({"since": str(since), "labels": [_short(label) for label in response.labels]})
        milliseconds = max(1, round(seconds * 1000))
        names = ",".join(vary)
        await self._run(SAVE, key, variant, names, about, _encoded(response), milliseconds, self._most_variants)

    async def purge(self, labels: Collection[str]) -> None:
        """See ResponseStore."""
        now, milliseconds = int(self._clock() * 1_000_000), round(self._longest * 1000)
        await self._run(PURGE, "", now, milliseconds, *(_short(label) for label in labels))

    async def _find(self, key: str, variant: str) -> tuple[int, tuple[str, ...], bytes | None]:
        sequence, vary, encoded = await self._run(FIND, key, variant)
        return int(sequence), tuple(vary.decode().split(",")) if vary else (), encoded

    def _run(self, script: str, key: str, *arguments: bytes | str | int) -> Waiter[Any]:
        def run(client: Any) -> Any:
            if script not in self._scripts:
                self._scripts[script] = client.register_script(script)
            return self._scripts[script]([f"{self._prefix}:{_short(key)}"], [self._prefix, *arguments])

        return self._server.call(run)


def _short(text: str) -> str:
    """A hash of a key or a label, because a client chooses the length of a URL."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _encoded(response: StoredResponse) -> bytes:
    times = (response.made, response.fresh_until, response.revalidate_until, response.error_until)
    return msgspec.msgpack.encode((response.status, response.fields, response.body, times, response.shared))


_Encoded = tuple[int, tuple[tuple[str, str], ...], bytes, tuple[float, float, float, float], bool]


def _decoded(encoded: bytes) -> StoredResponse | None:
    """The response; None for the response of another version of Ropewalk, which has another form."""
    try:
        status, fields, body, times, shared = msgspec.msgpack.decode(encoded, type=_Encoded)
    except msgspec.DecodeError:
        return None
    made, fresh_until, revalidate_until, error_until = times
    return StoredResponse(status, fields, body, made, fresh_until, revalidate_until, error_until, shared)
