"""Stores for rate limits, idempotency keys and sessions: in memory, in SQLite and in Redis.

Each kind of store is a small protocol (`RateLimitStore`, `IdempotencyStore`, `SessionStore`), so that you can write
your own. No store blocks the reactor: Redis and SQLite are called on a few threads, with a bounded queue of calls and a
time limit for each call.
"""

from ropewalk.stores.idempotency import IdempotencyStore, Record
from ropewalk.stores.memory_idempotency import MemoryIdempotency
from ropewalk.stores.memory_rate_limits import MemoryRateLimits
from ropewalk.stores.memory_sessions import MemorySessions
from ropewalk.stores.rate_limits import Bucket, RateLimitStore, Taken
from ropewalk.stores.redis_idempotency import RedisIdempotency
from ropewalk.stores.redis_rate_limits import RedisRateLimits
from ropewalk.stores.redis_server import RedisServer
from ropewalk.stores.redis_sessions import RedisSessions
from ropewalk.stores.sessions import SessionStore, StoredSession
from ropewalk.stores.sqlite_idempotency import SQLiteIdempotency
from ropewalk.stores.sqlite_sessions import SQLiteSessions
from ropewalk.stores.unavailable import StoreUnavailable, TooManyKeys

__all__ = [
    "Bucket",
    "IdempotencyStore",
    "MemoryIdempotency",
    "MemoryRateLimits",
    "MemorySessions",
    "RateLimitStore",
    "Record",
    "RedisIdempotency",
    "RedisRateLimits",
    "RedisServer",
    "RedisSessions",
    "SQLiteIdempotency",
    "SQLiteSessions",
    "SessionStore",
    "StoreUnavailable",
    "StoredSession",
    "Taken",
    "TooManyKeys",
]
