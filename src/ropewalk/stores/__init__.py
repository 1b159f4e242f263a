"""Stores for rate limits, idempotency keys, sessions and cached responses: in memory, in SQLite and in Redis.

Each kind of store is a small protocol (`RateLimitStore`, `IdempotencyStore`, `SessionStore`, `ResponseStore`), so that
you can write your own. No store blocks the reactor: Redis and SQLite are called on a few threads, with a bounded queue
of calls and a time limit for each call.
"""

from ropewalk.stores.idempotency import IdempotencyStore, Record
from ropewalk.stores.memory_idempotency import MemoryIdempotency
from ropewalk.stores.memory_rate_limits import MemoryRateLimits
from ropewalk.stores.memory_responses import MemoryResponses
from ropewalk.stores.memory_sessions import MemorySessions
from ropewalk.stores.rate_limits import Bucket, RateLimitStore, Taken
from ropewalk.stores.redis_idempotency import RedisIdempotency
from ropewalk.stores.redis_rate_limits import RedisRateLimits
from ropewalk.stores.redis_responses import RedisResponses
from ropewalk.stores.redis_server import RedisServer
from ropewalk.stores.redis_sessions import RedisSessions
from ropewalk.stores.responses import Found, PreparedValue, ResponseStore, StoredResponse, Variant
from ropewalk.stores.sessions import SessionStore, StoredSession
from ropewalk.stores.sqlite_idempotency import SQLiteIdempotency
from ropewalk.stores.sqlite_sessions import SQLiteSessions
from ropewalk.stores.unavailable import StoreUnavailable, TooManyKeys

__all__ = [
    "Bucket",
    "Found",
    "IdempotencyStore",
    "MemoryIdempotency",
    "MemoryRateLimits",
    "MemoryResponses",
    "MemorySessions",
    "PreparedValue",
    "RateLimitStore",
    "Record",
    "RedisIdempotency",
    "RedisRateLimits",
    "RedisResponses",
    "RedisServer",
    "RedisSessions",
    "ResponseStore",
    "SQLiteIdempotency",
    "SQLiteSessions",
    "SessionStore",
    "StoreUnavailable",
    "StoredResponse",
    "StoredSession",
    "Taken",
    "TooManyKeys",
    "Variant",
]
