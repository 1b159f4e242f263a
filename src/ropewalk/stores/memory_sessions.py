"""Sessions in the memory of this process: how many it keeps, and which it drops first."""

from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ropewalk.awaited_truth import AwaitedTruth
from ropewalk.clocks import unix_time
from ropewalk.errors import OptionError, is_int, shown
from ropewalk.stores.sessions import StoredSession

CLEANED_AT_ONCE: Final = 4
"""How many expired sessions at most a new session removes, of those with a user and of those without. It is more than
one, so that expired sessions do not pile up.
"""


@dataclass(slots=True)
class _Kept:
    """One session in memory."""

    session: StoredSession
    expires: float


class MemorySessions:
    """Sessions in the memory of this process. A restart ends them. `clock` returns seconds since 1970.

    At most `most_sessions` are kept. If there are more, the session that was not written for the longest time is
    dropped: one without a user, if there is one, so that a flood of anonymous clients does not log users out.
    """

    immediate: Final = True
    """No method waits, so `sessions` loads a session only when it is read."""

    def __init__(self, *, most_sessions: int = 100_000, clock: Callable[[], float] = unix_time) -> None:
        if not is_int(most_sessions) or most_sessions < 1:
            raise OptionError("RW235", f"most_sessions is {shown(most_sessions)}.", "Give 1 or more.")
        self._most = most_sessions
        self._clock = clock
        self._anonymous: dict[str, _Kept] = {}
        self._of_users: dict[str, _Kept] = {}
        """Both dicts are in the order in which their sessions were last written."""
        self._keys_of: dict[str, set[str]] = {}
        """For each user who has a session, the keys of all sessions of this user."""

    def __len__(self) -> int:
        return len(self._anonymous) + len(self._of_users)

    def clear(self) -> None:
        """Forget all sessions. Call it between tests."""
        self._anonymous.clear()
        self._of_users.clear()
        self._keys_of.clear()

    async def load(self, key: str) -> StoredSession | None:
        """See SessionStore."""
        kept = self._find(key)
        return None if kept is None else kept.session

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
        self._forget(key)

    async def end_sessions(self, user: str, seconds: float) -> None:
        """See SessionStore."""
        del seconds  # the sessions are deleted at once, so this store needs no generations
        for key in self._keys_of.pop(user, ()):
            del self._of_users[key]

    async def _create(
        self,
        key: str,
        session: StoredSession,
        seconds: float,
        replaced: str | None,
        required: str | None,
    ) -> bool:
        if required is not None and self._find(required) is None:
            return False
        now = self._clock()
        if replaced is not None:
            self._forget(replaced)
        for kept in (self._anonymous, self._of_users):
            self._drop_expired(kept, now)
        if len(self) >= self._most:
            self._forget(next(iter(self._anonymous or self._of_users)))
        self._forget(key)
        self._place(session)[key] = _Kept(session, now + seconds)
        if session.user is not None:
            self._keys_of.setdefault(session.user, set()).add(key)
        return True

    async def _update(
        self, key: str, changed: Mapping[str, bytes], removed: Collection[str], touched: float, seconds: float
    ) -> bool:
        kept = self._find(key)
        if kept is None:
            return False
        old = kept.session
        values = {name: value for name, value in {**old.values, **changed}.items() if name not in removed}
        kept.session = StoredSession(values, old.user, old.created, touched)
        kept.expires = self._clock() + seconds
        place = self._place(old)
        place[key] = place.pop(key)
        return True

    def _place(self, session: StoredSession) -> dict[str, _Kept]:
        return self._anonymous if session.user is None else self._of_users

    def _find(self, key: str) -> _Kept | None:
        kept = self._anonymous.get(key) or self._of_users.get(key)
        if kept is None:
            return None
        if kept.expires <= self._clock():
            self._forget(key)
            return None
        return kept

    def _drop_expired(self, crowd: dict[str, _Kept], now: float) -> None:
        for _ in range(CLEANED_AT_ONCE):
            key = next(iter(crowd), None)
            if key is None or crowd[key].expires > now:
                return
            self._forget(key)

    def _forget(self, key: str) -> None:
        self._anonymous.pop(key, None)
        kept = self._of_users.pop(key, None)
        user = None if kept is None else kept.session.user
        if user is not None:
            keys = self._keys_of[user]
            keys.discard(key)
            if not keys:
                del self._keys_of[user]
