"""Rate limits in Redis: one script takes all tokens of a request, and uses the server's clock."""

from collections.abc import Sequence
from typing import Any, Final

from ropewalk.stores.rate_limits import ALMOST, Bucket, Taken
from ropewalk.stores.redis_server import RedisServer, check_server

SCRIPT: Final = (
    """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local full_at, tokens, allowed = {}, {}, 1
for i, key in ipairs(KEYS) do
  local capacity, rate = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local full = tonumber(redis.call('GET', key)) or now
  full = math.max(now, math.min(full, now + capacity / rate))
  full_at[i] = full
  tokens[i] = capacity - (full - now) * rate
  if tokens[i] < ALMOST then allowed = 0 end
end
local left = {}
for i, key in ipairs(KEYS) do
  if allowed == 1 then
    local full = full_at[i] + 1 / tonumber(ARGV[2 * i])
    redis.call('SET', key, string.format('%.6f', full), 'PX', math.max(1, math.ceil((full - now) * 1000)))
    tokens[i] = math.max(0, tokens[i] - 1)
  end
  left[i] = string.format('%.6f', tokens[i])
end
return {allowed, left}
"""
).replace("ALMOST", str(ALMOST))
"""The Lua script that takes tokens. The value of a key in Redis is the time at which its bucket will be full. At that
time, the key expires."""


class RedisRateLimits:
    """Buckets in Redis or Valkey, which all processes and machines share. The name of each key begins with `prefix`.

    Each request costs one round trip. Only the server's clock is used, so the clocks of the machines may differ. Keys
    expire when their buckets are full.
    """

    def __init__(self, server: RedisServer, *, prefix: str = "ropewalk:rate") -> None:
        check_server(server, "RedisRateLimits")
        self._server = server
        self._prefix = prefix
        self._script: Any = None

    async def take(self, buckets: Sequence[Bucket]) -> Taken:
        """Take tokens: see `RateLimitStore.take`."""
        keys = [f"{self._prefix}:{each.limit}:{each.key}" for each in buckets]
        numbers = [number for each in buckets for number in (each.capacity, each.rate)]
        allowed, left = await self._server.call(lambda client: self._run(client, keys, numbers))
        return Taken(bool(allowed), tuple(float(each) for each in left))

    def _run(self, client: Any, keys: list[str], numbers: list[float]) -> Any:
        if self._script is None:
            self._script = client.register_script(SCRIPT)
        return self._script(keys, numbers)  # redis-py loads the script again if the server has lost it
