"""Where sessions are kept: `StoreKeeper` keeps them in a store, `CookieKeeper` in a signed cookie."""

from collections.abc import Coroutine
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, Final, Protocol, TypeVar

from ropewalk.clocks import unix_time
from ropewalk.cookies import LARGEST_COOKIE
from ropewalk.errors import HandlerError, shown
from ropewalk.sessions.options import SessionsOptions
from ropewalk.sessions.session import Session
from ropewalk.sessions.signed_sessions import SignedSessions
from ropewalk.sessions.store_unavailable import unavailable
from ropewalk.stores import SessionStore, StoredSession, StoreUnavailable

DELETED: Final = ""
"""The result of `save` if the client must delete its cookie."""
_REFRESH: Final = 0.1
"""The part of `idle` after which a session that is only read is written, so that not every request writes."""
Result = TypeVar("Result")

LONGEST_ID: Final = 64
"""The maximum length in characters of an id in a cookie. Longer values are not looked up."""


class Keeper(Protocol):
    """What loads and saves sessions."""

    options: SessionsOptions
    immediate: bool
    """Whether `load_now` can load a session."""

    async def load(self, cookie: str) -> StoredSession | None:
        """The session for the value of a cookie; None if there is none, or if it has expired."""

    def load_now(self, cookie: str) -> StoredSession | None:
        """The same, at once. Raises HandlerError (RW250) if the store has to be awaited."""

    async def save(self, session: Session) -> str | None:
        """Save a session that was used. Return the new value of the cookie; DELETED to delete it; None to keep it."""

    def refuse(self, failure: StoreUnavailable) -> None:
        """Raises HTTPError 503, unless the options let the request go on with an empty session."""


def new_id() -> str:
    """A random id for a cookie: 256 bits."""
    return token_urlsafe(32)


def key_of(value: str, purpose: str = "session") -> str:
    """The key in the store for an id in a cookie. The id cannot be computed from it."""
    return sha256(f"ropewalk {purpose} {value}".encode("utf-8", "surrogatepass")).hexdigest()


def _is_alive(found: StoredSession, options: SessionsOptions, now: float) -> bool:
    return now < found.touched + options.idle and now < found.created + options.absolute


def _needs_touch(found: StoredSession, options: SessionsOptions, now: float) -> bool:
    return now - found.touched >= options.idle * _REFRESH


def _seconds_left(created: float, options: SessionsOptions, now: float) -> float:
    return max(0.001, min(options.idle, created + options.absolute - now))


class StoreKeeper:
    """Keeps sessions in a store. The cookie has a random id."""

    def __init__(self, store: SessionStore, options: SessionsOptions) -> None:
        self.store = store
        self.options = options
        self.immediate = bool(getattr(store, "immediate", False))

    async def load(self, cookie: str) -> StoredSession | None:
        """See Keeper."""
        if not cookie or len(cookie) > LONGEST_ID:
            return None
        found = await self.store.load(key_of(cookie))
        return found if found is not None and _is_alive(found, self.options, unix_time()) else None

    def load_now(self, cookie: str) -> StoredSession | None:
        """See Keeper."""
        if not self.immediate:
            what = "A session was used before it was loaded, because of preload=False."
            raise HandlerError("RW250", what, "Write `await request.session.load()` before you use it.")
        return _result_of(self.load(cookie))

    def refuse(self, failure: StoreUnavailable) -> None:
        """See Keeper."""
        if self.options.on_store_failure == "closed":
            raise unavailable(failure)

    async def save(self, session: Session) -> str | None:
        """See Keeper."""
        now = unix_time()
        found = session.found
        old = None if found is None or session.cookie is None else key_of(session.cookie)
        if old is None or session.is_rotated:
            return await self._save_new(session, old, now)
        assert found is not None
        changed, removed = session.changes()
        if changed or removed:
            self._check_size(session.values_now())
        elif not _needs_touch(found, self.options, now):
            return None
        # If the session does not exist any more, a request that ran at the same time has ended it. It must not come
        # back, and the cookie may be the new one of that request, so neither is touched.
        await self.store.update(old, changed, removed, now, _seconds_left(found.created, self.options, now))
        return None

    async def _save_new(self, session: Session, old: str | None, now: float) -> str | None:
        values = session.values_now()
        if not values and session.user is None:
            if old is None:
                return None
            await self.store.delete(old)
            return DELETED
        self._check_size(values)
        found = session.found
        created = now if found is None or session.is_restarted or session.is_cleared else found.created
        cookie = new_id()
        stored = StoredSession(values, session.user, created, now)
        # A session that only gets another id must not come back after a concurrent request has ended it.
        required = session.required if session.is_restarted or session.is_cleared else old
        seconds = _seconds_left(created, self.options, now)
        was_created = await self.store.create(key_of(cookie), stored, seconds, replaced=old, required=required)
        return cookie if was_created else None

    def _check_size(self, values: dict[str, bytes]) -> None:
        size = sum(len(name.encode("utf-8", "surrogatepass")) + len(value) for name, value in values.items())
        if size > self.options.size_limit:
            raise too_large(values, size, self.options.size_limit)


class CookieKeeper:
    """Keeps sessions in the cookie itself, signed."""

    immediate = True

    def __init__(self, options: SessionsOptions) -> None:
        self.options = options
        self._signed = SignedSessions(options.signing_keys, options.cookie)

    async def load(self, cookie: str) -> StoredSession | None:
        """See Keeper."""
        return self.load_now(cookie)

    def load_now(self, cookie: str) -> StoredSession | None:
        """See Keeper."""
        found = self._signed.read(cookie)
        return found if found is not None and _is_alive(found, self.options, unix_time()) else None

    def refuse(self, failure: StoreUnavailable) -> None:
        """See Keeper. A cookie is always available."""

    async def save(self, session: Session) -> str | None:
        """See Keeper."""
        now = unix_time()
        found = session.found
        changed, removed = session.changes()
        if not (changed or removed or session.is_rotated) and (
            found is None or not _needs_touch(found, self.options, now)
        ):
            return None
        values = session.values_now()
        if not values and session.user is None:
            return None if found is None else DELETED
        created = now if found is None or session.is_restarted or session.is_cleared else found.created
        text = self._signed.write(StoredSession(values, session.user, created, now))
        most = LARGEST_COOKIE - len("__Host-") - len(self.options.cookie)
        if len(text) > most:
            raise too_large(values, len(text), most)
        return text


def too_large(values: dict[str, bytes], size: int, most: int) -> HandlerError:
    """RW252, with the names of the largest values."""
    largest = sorted(values, key=lambda name: len(values[name]), reverse=True)[:3]
    names = ", ".join(f"{shown(name)} ({len(values[name])} bytes)" for name in largest)
    return HandlerError("RW252", f"A session has {size} bytes, and may have {most}. Its largest values: {names}.")


def _result_of(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine that does not wait."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    coroutine.close()
    what = "The store of the sessions has waited, although its attribute `immediate` is True."
    raise HandlerError("RW250", what, "Set the attribute to False.")
