"""Where sessions are kept: `StoreKeeper` keeps them in a store, `CookieKeeper` in a signed cookie."""

from collections.abc import Coroutine
from typing import Any, Final, Protocol, TypeVar

from msgspec import Raw

from ropewalk.clocks import unix_time
from ropewalk.cookies import LARGEST_COOKIE
from ropewalk.errors import HandlerError
from ropewalk.sessions.options import SessionsOptions
from ropewalk.sessions.session import Session
from ropewalk.sessions.session_expiry import is_alive, seconds_left, touched_after
from ropewalk.sessions.session_ids import LONGEST_ID, key_of, needs_new_id, new_id
from ropewalk.sessions.session_size import check_cookie_size, check_stored_size
from ropewalk.sessions.signed_sessions import SignedSessions, decoded
from ropewalk.sessions.store_unavailable import unavailable
from ropewalk.stores import SessionStore, StoredSession, StoreUnavailable

DELETED: Final = ""
"""The result of `save` if the client must delete its cookie."""
Result = TypeVar("Result")


class Keeper(Protocol):
    """What loads and saves sessions."""

    options: SessionsOptions
    touched_after: float
    """See `session_expiry.touched_after`."""
    immediate: bool
    """Whether `load_now` can load a session."""

    async def load(self, session: Session) -> None:
        """Load the session for its cookie, if there is one that has not expired. Raises StoreUnavailable."""

    def load_now(self, session: Session) -> None:
        """The same as `load`, without waiting. Raises HandlerError (RW250) if the store has to be awaited."""

    async def save(self, session: Session) -> str | None:
        """Save a session that was used. Return the new value of the cookie; DELETED to delete it; None to keep it."""

    def refuse(self, failure: StoreUnavailable) -> None:
        """Raises HTTPError 503, unless the options let the request go on with an empty session."""


class StoreKeeper:
    """Keeps sessions in a store. The cookie has a random id."""

    def __init__(self, store: SessionStore, options: SessionsOptions) -> None:
        self.store = store
        self.options = options
        self.touched_after = touched_after(options)
        self.immediate = bool(getattr(store, "immediate", False))

    async def load(self, session: Session) -> None:
        """See Keeper."""
        cookie = session.cookie
        if not cookie or len(cookie) > LONGEST_ID:
            return
        found = await self.store.load(key_of(cookie))
        now = unix_time()
        if found is not None and is_alive(found, self.options, now):
            session.note_found(found, is_stale=now - found.touched >= self.touched_after)

    def load_now(self, session: Session) -> None:
        """See Keeper."""
        if not self.immediate:
            what = "A session was used before it was loaded, because of preload=False."
            raise HandlerError("RW250", what, "Write `await request.session.load()` before you use it.")
        _result_of(self.load(session))

    def refuse(self, failure: StoreUnavailable) -> None:
        """See Keeper."""
        if self.options.on_store_failure == "closed":
            raise unavailable(failure)

    async def save(self, session: Session) -> str | None:
        """See Keeper."""
        now = unix_time()
        found = session.found
        old = None if found is None or session.cookie is None else key_of(session.cookie)
        if needs_new_id(session):
            return await self._save_new(session, old, now)
        assert found is not None
        assert old is not None
        changed, removed = session.changes()
        if changed or removed:
            check_stored_size(session.values_with(changed), self.options)
        elif now - found.touched < self.touched_after:
            return None
        # If the session does not exist any more, `update` writes nothing: a request that ran at the same time has ended
        # the session, and it must not come back. The cookie is left, too, because the browser may already have the new
        # cookie of that request.
        await self.store.update(old, changed, removed, now, seconds_left(found.created, self.options, now))
        return None

    async def _save_new(self, session: Session, old: str | None, now: float) -> str | None:
        changed, _ = session.changes()
        values = session.values_with(changed)
        if not values and session.user is None:
            if old is None:
                return None
            await self.store.delete(old)
            return DELETED
        check_stored_size(values, self.options)
        found = session.found
        created = now if found is None or session.is_restarted or session.is_cleared else found.created
        cookie = new_id()
        stored = StoredSession(values, session.user, created, now)
        # A session that only gets another id is saved only if its old id still exists. Otherwise, it would come back
        # after a concurrent request has ended it.
        required = session.required if session.is_restarted or session.is_cleared else old
        seconds = seconds_left(created, self.options, now)
        was_created = await self.store.create(key_of(cookie), stored, seconds, replaced=old, required=required)
        return cookie if was_created else None


class CookieKeeper:
    """Keeps sessions in the cookie itself, signed."""

    immediate = True

    def __init__(self, options: SessionsOptions) -> None:
        self.options = options
        self.touched_after = touched_after(options)
        self._idle, self._absolute = options.idle, options.absolute
        signed = SignedSessions(options.signing_keys, options.cookie)
        self._read, self._write = signed.read, signed.write

    async def load(self, session: Session) -> None:
        """See Keeper."""
        self.load_now(session)

    def load_now(self, session: Session) -> None:
        """See Keeper."""
        cookie = session.cookie
        if cookie is None or len(cookie) > LARGEST_COOKIE:
            return
        now = unix_time()
        signed = self._read(cookie, now, self._idle, self._absolute, self.touched_after)
        if signed is not None:
            if isinstance(signed, tuple):
                session.user_found, session.is_stale, session.signed = signed
            else:
                self._decode(session, signed, now)

    def _decode(self, session: Session, content: bytes, now: float) -> None:
        """Load a session whose signature the engine has verified, but whose content only a JSON decoder can read."""
        try:
            found = decoded(content)
        except ValueError:  # msgspec.DecodeError is one
            return
        if is_alive(found, self.options, now):
            session.note_found(found, is_stale=now - found.touched >= self.touched_after)

    def refuse(self, failure: StoreUnavailable) -> None:
        """See Keeper. It does nothing, because a cookie is always available."""

    async def save(self, session: Session) -> str | None:
        """See Keeper."""
        return self.save_now(session)

    def save_now(self, session: Session) -> str | None:
        """The same as `save`, without waiting."""
        now = unix_time()
        found = session.found
        changed, removed = session.changes()
        if not (changed or removed or session.is_rotated) and (
            found is None or now - found.touched < self.touched_after
        ):
            return None
        values = session.kept_values()
        for name in changed:
            values[name] = Raw(changed[name])
        if not values and session.user is None:
            return None if found is None else DELETED
        created = now if found is None or session.is_restarted or session.is_cleared else found.created
        text = self._write(values, session.user, created, now)
        check_cookie_size(text, values, self.options)
        return text


def _result_of(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """The result of a coroutine that does not wait. Raises HandlerError (RW250) if it does."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    coroutine.close()
    what = "The store of the sessions has waited, although its attribute `immediate` is True."
    raise HandlerError("RW250", what, "Set the attribute to False.")
