"""The keys of an issuer: fetched in a thread, kept, and fetched again when the issuer rotates them."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.defer import TimeoutError as WaitTimeout
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure

from ropewalk.auth.jwks_document import NoKeys, fetch
from ropewalk.auth.jwt_algorithms import UnusableKey
from ropewalk.auth.jwt_keys import Key, public_keys
from ropewalk.auth.jwt_options import JWKS
from ropewalk.errors import HTTPError, visible
from ropewalk.tracebacks import shown_failure
from ropewalk.waiting import Waiter, ready

log = Logger(namespace="ropewalk.auth")


class FetchedKeys:
    """The keys at a URL. At most one fetch runs; requests that need it wait for it together."""

    def __init__(
        self, options: JWKS, algorithms: tuple[str, ...] | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._options = options
        self._algorithms = algorithms
        self._clock = clock
        self._keys: tuple[Key, ...] = ()
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._waiting: list[Waiter[None]] | None = None
        """Those that wait for the fetch that runs; None if none does."""

    async def current(self) -> tuple[Key, ...]:
        """The keys. Old ones are returned while newer ones are fetched.

        Raises HTTPError 503 if there are none, and their issuer cannot be reached.
        """
        if not self._usable():
            await self.refreshed()
            if not self._usable():
                raise HTTPError(503, None, {"retry-after": str(max(1, round(self._options.minimum_interval)))})
        elif self._age() > self._options.refresh_interval and self._may_fetch():
            self._start()
        return self._keys

    async def refreshed(self) -> bool:
        """Fetch the keys, unless that was tried just before. Returns whether it waited for a fetch.

        It waits no longer than the timeout, whatever holds the thread up.
        """
        from twisted.internet import reactor

        if self._waiting is None:
            if not self._may_fetch():
                return False
            self._start()
        with suppress(WaitTimeout):
            await self._ended().addTimeout(self._options.timeout, reactor)
        return True

    def _usable(self) -> bool:
        return self._fetched_at is not None and self._age() <= self._options.longest_use

    def _age(self) -> float:
        return self._clock() - (self._fetched_at or 0.0)

    def _may_fetch(self) -> bool:
        """Whether none runs, and the last one began long enough ago."""
        if self._waiting is not None:
            return False
        return self._tried_at is None or self._clock() - self._tried_at >= self._options.minimum_interval

    def _start(self) -> None:
        self._tried_at = self._clock()
        self._waiting = []
        deferToThread(self._fetch).addCallbacks(self._arrived, self._failed).addBoth(self._fire)

    def _ended(self) -> Any:
        if self._waiting is None:
            return ready(None)
        waiter: Waiter[None] = Waiter()
        self._waiting.append(waiter)
        return waiter

    def _fetch(self) -> tuple[Key, ...]:
        """Runs in a thread."""
        return public_keys(fetch(self._options), self._algorithms)

    def _arrived(self, keys: tuple[Key, ...]) -> None:
        if not keys:
            self._report("It has no key that can be used.")
            return
        self._keys = keys
        self._fetched_at = self._clock()

    def _failed(self, failure: Failure) -> None:
        if not failure.check(NoKeys, UnusableKey):
            log.failure("RW243 {url}", shown_failure(failure.value), url=visible(self._options.url))
        else:
            self._report(failure.getErrorMessage())

    def _report(self, why: str) -> None:
        log.warn("RW243 {url}: {why}", code="RW243", url=visible(self._options.url), why=visible(why))

    def _fire(self, _: Any) -> None:
        waiting, self._waiting = self._waiting or [], None
        for each in waiting:
            if not each.called:
                each.callback(None)
