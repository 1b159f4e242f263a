"""Sessions in Redis. Each method runs one script, so it is atomic."""

from collections.abc import Callable, Collection, Coroutine, Mapping
from hashlib import sha256
from typing import Any, Final

from ropewalk.awaited_truth import AwaitedTruth
from ropewalk.clocks import unix_time
from ropewalk.stores.redis_server import RedisServer, check_server
from ropewalk.stores.sessions import StoredSession
from ropewalk.waiting import Waiter

_IS_CURRENT: Final = """
local function is_current(key)
  local found = redis.call('HMGET', key, 'generation', 'generation_key')
  if not found[1] then return false end
  local last = found[2] ~= '' and redis.call('GET', found[2])
  return not last or tonumber(found[1]) >= tonumber(last)
end
"""
LOAD: Final = (
    _IS_CURRENT
    + """
if is_current(KEYS[1]) then return redis.call('HGETALL', KEYS[1]) end
return false
"""
)
CREATE: Final = (
    _IS_CURRENT
    + """
if ARGV[7] ~= '' and not is_current(ARGV[7]) then return 0 end
local generation = ARGV[4] ~= '' and redis.call('GET', ARGV[4]) or '0'
if ARGV[6] ~= '' then redis.call('DEL', ARGV[6]) end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'created', ARGV[1], 'touched', ARGV[2], 'user', ARGV[3], 'generation_key', ARGV[4],
  'generation', generation)
for index = 8, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[index], ARGV[index + 1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
"""
)
UPDATE: Final = (
    _IS_CURRENT
    + """
if not is_current(KEYS[1]) then return 0 end
redis.call('HSET', KEYS[1], 'touched', ARGV[1])
local removed = tonumber(ARGV[3])
for index = 4, 3 + removed do redis.call('HDEL', KEYS[1], ARGV[index]) end
for index = 4 + removed, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[index], ARGV[index + 1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""
)
DELETE: Final = "redis.call('DEL', KEYS[1])"
END_SESSIONS: Final = """
local last = tonumber(redis.call('GET', KEYS[1]) or '0')
redis.call('SET', KEYS[1], string.format('%.0f', math.max(last + 1, tonumber(ARGV[1]))), 'PX', ARGV[2])
"""

_VALUE: Final = "value:"
"""In the Redis hash of a session, the prefix of the fields that have the values."""


class RedisSessions:
    """Sessions in Redis or Valkey, which all processes and machines share. The name of each key begins with `prefix`.

    Sessions expire according to the server's clock. If the server evicts keys (`maxmemory-policy`), the users of
    evicted sessions are logged out, and sessions that `log_out_everywhere` has ended may be valid again. So configure
    `noeviction` or `volatile-ttl`.
    """

    def __init__(
        self, server: RedisServer, *, prefix: str = "ropewalk:session", clock: Callable[[], float] = unix_time
    ) -> None:
        check_server(server, "RedisSessions")
        self._server = server
        self._prefix = prefix
        self._clock = clock
        self._scripts: dict[str, Any] = {}

    async def load(self, key: str) -> StoredSession | None:
        """See SessionStore."""
        found = await self._run(LOAD, self._key(key))
        if found is None:
            return None
        fields = {name.decode(): value for name, value in zip(found[::2], found[1::2], strict=True)}
        values = {name[len(_VALUE) :]: value for name, value in fields.items() if name.startswith(_VALUE)}
        user = fields["user"].decode() if fields["user"] else None
        return StoredSession(values, user, float(fields["created"]), float(fields["touched"]))

    def create(
        self,
        key: str,
        session: StoredSession,
        seconds: float,
        *,
        replaced: str | None = None,
        required: str | None = None,
    ) -> Coroutine[Any, Any, bool]:
        """See SessionStore."""
        return AwaitedTruth(self._create(key, session, seconds, replaced, required), "create")

    def update(
        self, key: str, changed: Mapping[str, bytes], removed: Collection[str], touched: float, seconds: float
    ) -> Coroutine[Any, Any, bool]:
        """See SessionStore."""
        return AwaitedTruth(self._update(key, changed, removed, touched, seconds), "update")

    async def delete(self, key: str) -> None:
        """See SessionStore."""
        await self._run(DELETE, self._key(key))

    async def end_sessions(self, user: str, seconds: float) -> None:
        """See SessionStore."""
        now = int(self._clock() * 1_000_000)
        await self._run(END_SESSIONS, self._generation_key(user), now, _milliseconds(seconds))

    async def _create(
        self,
        key: str,
        session: StoredSession,
        seconds: float,
        replaced: str | None,
        required: str | None,
    ) -> bool:
        user = session.user
        created = await self._run(
            CREATE,
            self._key(key),
            repr(session.created),
            repr(session.touched),
            user or "",
            "" if user is None else self._generation_key(user),
            _milliseconds(seconds),
            "" if replaced is None else self._key(replaced),
            "" if required is None else self._key(required),
            *_fields(session.values),
        )
        return bool(created)

    async def _update(
        self, key: str, changed: Mapping[str, bytes], removed: Collection[str], touched: float, seconds: float
    ) -> bool:
        gone = [_VALUE + name for name in removed]
        times = (repr(touched), _milliseconds(seconds))
        return bool(await self._run(UPDATE, self._key(key), *times, len(gone), *gone, *_fields(changed)))

    def _key(self, key: str) -> str:
        return f"{self._prefix}:{key}"

    def _generation_key(self, user: str) -> str:
        return f"{self._prefix}:generation:{sha256(user.encode('utf-8', 'surrogatepass')).hexdigest()}"

    def _run(self, script: str, key: str, *arguments: bytes | str | int) -> Waiter[Any]:
        def run(client: Any) -> Any:
            if script not in self._scripts:
                self._scripts[script] = client.register_script(script)
            return self._scripts[script]([key], arguments)

        return self._server.call(run)


def _fields(values: Mapping[str, bytes]) -> list[bytes | str]:
    return [part for name, value in values.items() for part in (_VALUE + name, value)]


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
