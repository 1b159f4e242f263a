"""`Session`: the values of one client, from one request to the next."""

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any, Final

from ropewalk.errors import HandlerError
from ropewalk.sessions.signed_sessions import decoded
from ropewalk.sessions.store_unavailable import unavailable
from ropewalk.sessions.values import OWN, check_name, decode, encode
from ropewalk.stores import StoredSession, StoreUnavailable

if TYPE_CHECKING:
    from ropewalk.request import SignedContent
    from ropewalk.sessions.keepers import Keeper
    from ropewalk.sessions.session_cookies import SessionCookies
    from ropewalk.sessions.signed_sessions import SignedSession

_NOTHING: Final = StoredSession()
_MUTABLE: Final = frozenset((list, dict))
"""The types of values from JSON that a program can change in place."""
_UNCHANGING: Final = frozenset((str, int, float, bool, type(None)))
"""The types of values that cannot be changed in place."""


class Session(MutableMapping[str, Any]):
    """The session of a request: `request.session["cart"] = [1, 2]`.

    It is a mapping of str to values that JSON has. It is read when it is first used. It is saved after the handler,
    only if it was changed, or if the time of its last use must be written. Changes inside lists and dicts are noticed.
    Raises HandlerError: RW251 for a name or a value that cannot be kept, RW253 for a change after the response has
    begun, and RW250 if the session has to be loaded with `load` first. Raises HTTPError 503 if the store of the
    sessions cannot be reached.
    """

    # Most requests change nothing. So these defaults are attributes of the class, and a Session has its own only after
    # a change.

    is_rotated = False
    """Whether the session gets a new id."""
    is_restarted = False
    """Whether the absolute expiry begins again, because a user has logged in."""
    is_cleared = False
    """Whether all earlier values and the user were removed."""
    remember: bool | None = None
    """True to set the cookie that remembers the user, False to delete it, None to leave it."""
    recalled: tuple[str, StoredSession] | None = None
    """The cookie that has logged the user in again, and what the store has for it."""
    required: str | None = None
    """The key in the store of the series that has logged the user in again: if it is gone when the session is saved,
    the login is not saved. None for a login with a password.
    """
    was_used = False
    """Whether the session was read or changed."""
    failure: StoreUnavailable | None = None
    """The error with which the session could not be loaded; None if there was none."""
    is_sealed = False
    """Whether later changes are refused, because the session has been saved."""
    shown: tuple[str, ...] = ()
    """The names of the values that the page shows."""
    is_stale = False
    """Whether the time of the last use must be written."""
    signed: "SignedContent | None" = None
    """The session as its signed cookie has it. None without such a cookie, and after all values were decoded into
    `_found`.
    """
    user_found: str | None = None
    """The id of the user, which `login` and `logout` change; None without a user."""
    _found: "StoredSession | SignedSession" = _NOTHING
    _live: dict[str, Any] = {}
    """The values that were set, and those that were read and can be changed in place."""
    _written: dict[str, bytes]
    """For each value that was set: its encoding if it cannot be changed in place, otherwise b"". Unset while
    `_may_differ` is False.
    """
    _removed: frozenset[str] = frozenset()
    """The names of the removed values."""
    _may_differ = False
    """Whether any value may have changed."""
    _preloaded = False

    def __init__(self, keeper: "Keeper", cookies: "SessionCookies", cookie: str | None) -> None:
        self.keeper = keeper
        """What loads and saves this session."""
        self.cookies = cookies
        """The cookies in which this client keeps its session."""
        self.cookie = cookie
        """The value of the client's session cookie; None without one."""
        # These two are also set on the object, because they are read often, and Python finds the attributes of an
        # object sooner than those of its class.
        self.was_used = self._may_differ = False

    # The mapping

    def __getitem__(self, name: str) -> Any:
        """The value with a name. Raises KeyError if there is none."""
        given: object = name
        if not isinstance(given, str) or given.startswith(OWN):
            raise KeyError(name)
        if not self.was_used:
            self._open()
        if not self._may_differ:  # the most frequent case: only this value must be decoded
            signed = self.signed
            encoded = None if signed is None else signed.raw(name)
            if encoded is not None:
                value = decode(encoded)
                if type(value) in _MUTABLE:
                    self._keep(name, value)
                return value
        return self.read(name)

    def __setitem__(self, name: str, value: Any) -> None:
        """Set a value."""
        self.write(check_name(name), value)

    def __delitem__(self, name: str) -> None:
        """Remove a value. Raises KeyError if there is none."""
        self[name]
        self.remove(name)

    def __iter__(self) -> Iterator[str]:
        """The names of the values."""
        return iter([name for name in self._names() if not name.startswith(OWN)])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<Session with {', '.join(self) or 'no values'}>" if self.was_used else "<Session, not read yet>"

    # More than a mapping

    @property
    def user(self) -> str | None:
        """The id of the user who has logged in; None without a user."""
        self._open()
        return self.user_found

    @property
    def is_new(self) -> bool:
        """Whether the client had no session before this request."""
        self._open()
        return self.signed is None and self._found is _NOTHING

    async def load(self) -> "Session":
        """Load the session from its store, if that has not happened yet. It is needed only with `preload=False`."""
        await self.preload()
        self._open()
        return self

    def clear(self) -> None:
        """Remove all values, log the user out, and give the session a new id. A remembered browser is forgotten."""
        self._open_to_change()
        if self.failure is not None:  # otherwise, the session would come back together with the store
            raise unavailable(self.failure)
        self._live = {}
        self._removed = frozenset(self._stored.values)
        self.user_found = None
        self.remember = False  # otherwise, the next request would log the user in again
        self.is_rotated = self.is_cleared = True

    def rotate(self) -> None:
        """Give the session a new id, and keep its values. Call it when the rights of the client change.

        `login` and `logout` do so themselves.
        """
        self._open_to_change()
        self.is_rotated = True

    # Called by other modules

    def read(self, name: str) -> Any:
        """The value with a name, also one that the mapping does not show. Raises KeyError if there is none."""
        if not self.was_used:
            self._open()
        if name in self._live:
            return self._live[name]
        if name in self._removed:
            raise KeyError(name)
        value = decode(self._stored.values[name])
        if type(value) in _MUTABLE:
            self._keep(name, value)
        return value

    def _keep(self, name: str, value: Any) -> None:
        """Keep a value that the program can change in place."""
        if not self._may_differ:
            self._may_differ = True
            self._live, self._written = {}, {}
        self._live[name] = value

    def write(self, name: str, value: Any) -> None:
        """Set a value, also one that the mapping does not show."""
        encoded = encode(name, value)  # raises an error here, where the user's code is on the stack
        self._open_to_change()
        self._live[name] = value
        self._written[name] = encoded if type(value) in _UNCHANGING else b""
        if self._removed:
            self._removed = self._removed - {name}

    def remove(self, name: str) -> None:
        """Remove a value, if there is one."""
        self._open_to_change()
        self._live.pop(name, None)
        if name in self._stored.values:
            self._removed = self._removed | {name}

    def show(self, name: str) -> Any:
        """The value with a name. It is removed if the client sees the page that shows it."""
        self._open_to_change()
        self.shown = (*self.shown, name)
        return self.read(name)

    def remove_shown(self) -> None:
        """Remove the values that the page shows, because the client sees it."""
        for name in self.shown:
            self.remove(name)

    def own_names(self, prefix: str) -> list[str]:
        """The names that begin with a prefix, also those that the mapping does not show."""
        return [name for name in self._names() if name.startswith(prefix)]

    def begin_for(self, user: str) -> None:
        """Log a user in, with a new absolute expiry. The values of another user are removed."""
        self._open_to_change()
        if self.failure is not None:  # the login would not be kept
            raise unavailable(self.failure)
        if self.user_found not in (None, user):
            self.clear()
        self.user_found = user
        self.is_restarted = True

    @property
    def found(self) -> "StoredSession | SignedSession | None":
        """The session as it was stored; None if there was none."""
        found = self._stored
        return None if found is _NOTHING else found

    async def preload(self) -> None:
        """Load the session, without marking it as used. An error of the store is kept in `failure`, and raised when the
        session is used.
        """
        if self.cookie is not None and not self._preloaded and not self.was_used:
            try:
                await self.keeper.load(self)
            except StoreUnavailable as error:
                self.failure = error
            self._preloaded = True

    def needs_save(self) -> bool:
        """Whether `Keeper.save` may have something to do: anything was changed, a value was read that the program may
        have changed in place, or the time of the last use must be written. Call it only for a session that was used."""
        return self._may_differ or self.is_stale or self.remember is not None or self.recalled is not None

    def changes(self) -> tuple[dict[str, bytes], frozenset[str]]:
        """The changed values, encoded, and the names of the removed ones."""
        known = self._stored.values
        if not self._may_differ:
            return {}, self._removed
        written = self._written
        encoded = {name: written.get(name) or encode(name, value) for name, value in self._live.items()}
        changed = {name: value for name, value in encoded.items() if name not in known or bytes(known[name]) != value}
        return changed, self._removed

    def kept_values(self) -> dict[str, Any]:
        """The values as they were found, encoded, without the removed ones."""
        removed = self._removed
        if not removed:
            return dict(self._stored.values)
        return {name: value for name, value in self._stored.values.items() if name not in removed}

    def values_with(self, changed: dict[str, bytes]) -> dict[str, bytes]:
        """All values, encoded. `changed` is from `changes`."""
        kept = {name: bytes(value) for name, value in self.kept_values().items()}
        return {**kept, **changed}

    def _names(self) -> list[str]:
        self._open()
        kept = [name for name in self._stored.values if name not in self._removed]
        return [*kept, *(name for name in self._live if name not in self._stored.values)]

    def _open(self) -> None:
        if self.was_used:
            return
        if self.cookie is not None and not self._preloaded:
            try:
                self.keeper.load_now(self)
            except StoreUnavailable as error:
                self.failure = error
            self._preloaded = True
        if self.failure is not None:
            self.keeper.refuse(self.failure)
        self.was_used = True

    def note_found(self, found: "StoredSession | SignedSession", *, is_stale: bool) -> None:
        """Set what the keeper has found."""
        self._found, self.user_found, self.is_stale = found, found.user, is_stale

    @property
    def _stored(self) -> "StoredSession | SignedSession":
        """The session as it was found, with all its values."""
        if self.signed is not None:
            self._found, self.signed = decoded(self.signed.content), None
        return self._found

    def _open_to_change(self) -> None:
        self._open()
        if self.is_sealed:
            raise HandlerError("RW253", "A session was changed after the response had begun.")
        if not self._may_differ:
            self._may_differ = True
            self._live, self._written = {}, {}
