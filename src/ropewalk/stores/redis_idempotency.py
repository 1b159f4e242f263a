"""Idempotency keys in Redis. Each method runs one script, so it is atomic."""

from collections.abc import Callable
from typing import Any, Final

from ropewalk.stores.idempotency import Record
from ropewalk.stores.redis_server import RedisServer, check_server
from ropewalk.waiting import Waiter

CLAIM: Final = """
local known = redis.call('HMGET', KEYS[1], 'fingerprint', 'response')
if known[1] then return known end
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'token', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return false
"""
SAVE: Final = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return end
if redis.call('HSETNX', KEYS[1], 'response', ARGV[2]) == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
"""
RELEASE: Final = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return end
if redis.call('HEXISTS', KEYS[1], 'response') == 0 then redis.call('DEL', KEYS[1]) end
"""


class RedisIdempotency:
    """Idempotency keys in Redis or Valkey, which all processes and machines share. The name of each key begins with
    `prefix`.

    Keys expire according to the server's clock. Configure the server not to evict keys (`maxmemory-policy noeviction`),
    because a request with an evicted key may be processed again.
    """

    def __init__(self, server: RedisServer, *, prefix: str = "ropewalk:idempotency") -> None:
        check_server(server, "RedisIdempotency")
        self._server = server
        self._prefix = prefix
        self._scripts: dict[str, Any] = {}

    async def claim(
        self,
        key: str,
        fingerprint: str,
        token: str,
        seconds: float,
        *,
        owner: str = "",  # noqa: ARG002 - this store does not limit owners
    ) -> Record | None:
        """Claim a key: see `IdempotencyStore.claim`."""

        def free(known: Any) -> None:
            if known is None:  # the key was claimed, but the caller no longer waits
                self._run(RELEASE, key, token).addErrback(lambda _: None)  # if this fails, the claim expires by itself

        known = await self._run(CLAIM, key, fingerprint, token, _milliseconds(seconds), late=free)
        return None if known is None else Record(known[0].decode("ascii"), known[1])

    async def save(self, key: str, token: str, response: bytes, seconds: float) -> None:
        """Store a response: see `IdempotencyStore.save`."""
        await self._run(SAVE, key, token, response, _milliseconds(seconds))

    async def release(self, key: str, token: str) -> None:
        """Free a key: see `IdempotencyStore.release`."""
        await self._run(RELEASE, key, token)

    def _run(
        self, script: str, key: str, *arguments: bytes | str | int, late: Callable[[Any], object] | None = None
    ) -> Waiter[Any]:
        def run(client: Any) -> Any:
            if script not in self._scripts:
                self._scripts[script] = client.register_script(script)
            return self._scripts[script]([f"{self._prefix}:{key}"], arguments)

        return self._server.call(run, late)


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
