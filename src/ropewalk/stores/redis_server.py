"""A Redis or Valkey server for the stores: redis-py runs on a few threads, so it works with any reactor."""

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from twisted.logger import Logger

from ropewalk.clocks import monotonic
from ropewalk.errors import HandlerError, OptionError, shown
from ropewalk.forks import observe_forks
from ropewalk.stores.unavailable import StoreUnavailable
from ropewalk.stores.worker_threads import WorkerThreads
from ropewalk.waiting import Waiter, failed

if TYPE_CHECKING:
    from redis import Redis

log = Logger(namespace="ropewalk.stores")

Result = TypeVar("Result")


def check_server(server: object, store: str) -> None:
    """Raise HandlerError (RW235) if `server` is not a RedisServer but, for example, a URL.

    The message has only the type of `server`, because a URL may contain a password.
    """
    if not isinstance(server, RedisServer):
        what = f"The server of {store} is of type {type(server).__name__}, not RedisServer."
        raise OptionError("RW235", what, f"Write {store}(RedisServer(...)), with the URL in RedisServer.")


class RedisServer:
    """A Redis or Valkey server: `RedisServer("redis://127.0.0.1:6379/0")`. Several stores may share it.

    It needs the extra `redis`. The server is not contacted before the first call. A call takes at most `timeout`
    seconds. At most `threads` calls run at a time, and at most `waiting` more wait. After a failed call, all further
    calls fail at once for `retry_after` seconds. Then one call tries the server again. So an unreachable server delays
    only a few requests. One line is logged when the server becomes unreachable, and one when it is reachable again.
    `clock` returns seconds; replace it in tests. Raises HandlerError: RW237 if redis-py is not installed, RW235 for a
    wrong URL or number.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 0.25,
        retry_after: float = 1.0,
        threads: int = 4,
        waiting: int = 100,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        for name, number, least in (("timeout", timeout, 0.001), ("threads", threads, 1), ("waiting", waiting, 0)):
            if number < least:
                raise OptionError("RW235", f"The {name} of a RedisServer is {shown(number)}.", f"Give {least} or more.")
        self._retry_after = retry_after
        self._clock = clock
        self._client = _connect(url, timeout, threads)
        arguments = self._client.connection_pool.connection_kwargs
        place = arguments.get("path") or f"{arguments.get('host', 'localhost')}:{arguments.get('port', 6379)}"
        self.name = f"Redis at {place}"
        """The name of the server for messages, without its password."""
        self._workers = WorkerThreads(self.name, threads=threads, waiting=waiting, timeout=timeout)
        self._lock = Lock()
        self._retry_at: float | None = None
        """The time at which the next call may try again after a failure; None while the server is reachable."""
        observe_forks(self)

    def after_fork_in_child(self) -> None:
        """In a forked child: replace the lock, because a thread of the parent may have held it."""
        self._lock = Lock()

    def after_fork_in_parent(self) -> None:
        """In the parent: do nothing. The interface of fork observers requires this method."""

    def call(
        self, function: "Callable[[Redis], Result]", late: Callable[[Result], object] | None = None
    ) -> Waiter[Result]:
        """Call a function with the redis-py client, on a thread.

        Return a Waiter for its result, which may fail with StoreUnavailable.

        If the result arrives after the wait has timed out or was cancelled, `late` is called with it.
        """
        if not self._may_try():
            return failed(StoreUnavailable(f"{self.name} was not reachable a moment ago."))
        return self._workers.run(lambda: self._call(function), late)

    def close(self) -> None:
        """Close the connections and end the threads. A later call opens new connections."""
        self._workers.close()
        self._client.close()

    def _may_try(self) -> bool:
        """Whether a call may be sent to the server. While it is unreachable, one call is allowed every `retry_after`
        seconds."""
        with self._lock:
            if self._retry_at is None:
                return True
            now = self._clock()
            if now < self._retry_at:
                return False
            self._retry_at = now + self._retry_after
            return True

    def _call(self, function: "Callable[[Redis], Result]") -> Result:
        from redis.exceptions import RedisError

        try:
            result = function(self._client)
        except (RedisError, OSError) as error:
            self._failed(error)
            raise StoreUnavailable(f"{self.name} failed: {_text(error)}.") from error
        self._succeeded()
        return result

    def _failed(self, error: Exception) -> None:
        with self._lock:
            first = self._retry_at is None
            self._retry_at = self._clock() + self._retry_after
        if first:
            log.error("RW234 {name} is not reachable: {error}.", name=self.name, error=_text(error))

    def _succeeded(self) -> None:
        if self._retry_at is None:
            return
        with self._lock:
            again, self._retry_at = self._retry_at is not None, None
        if again:
            log.info("{name} is reachable again.", name=self.name)


def _connect(url: str, timeout: float, threads: int) -> "Redis":
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise HandlerError("RW237", "RedisServer needs redis-py, which is not installed.") from None
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),  # retries would delay the middleware, which handles failures itself
        "max_connections": threads + 1,
        "protocol": 2,  # saves one round trip for each connection; every server version supports it
    }
    try:
        return Redis.from_url(url, **options)
    except ValueError as error:
        remedy = 'Give one such as "redis://127.0.0.1:6379/0", "rediss://..." or "unix:///run/redis.sock".'
        raise OptionError("RW235", f"The URL of a RedisServer is wrong: {error}.", remedy) from None


def _text(error: Exception) -> str:
    return (str(error) or type(error).__name__).rstrip(".")
