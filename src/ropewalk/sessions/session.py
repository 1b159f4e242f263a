"""`Session`: the values of one client, from one request to the next."""

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any, Final

from ropewalk.errors import HandlerError
from ropewalk.sessions.store_unavailable import unavailable
from ropewalk.sessions.values import OWN, check_name, decode, encode
from ropewalk.stores import StoredSession, StoreUnavailable

if TYPE_CHECKING:
    from ropewalk.sessions.cookie_names import SessionCookies
    from ropewalk.sessions.keepers import Keeper

_NOTHING: Final = StoredSession()


class Session(MutableMapping[str, Any]):
    """The session of a request: `request.session["cart"] = [1, 2]`.

    It is a mapping of str to values that JSON has. It is read when it is first used, and saved after the handler, only
    if it was changed. Changes inside lists and dicts are noticed. Raises HandlerError: RW251 for a name or a value that
    cannot be kept, RW253 for a change after the response has begun, and RW250 if the session has to be loaded with
    `load` first. Raises HTTPError 503 if the store of the sessions cannot be reached.
    """

    __slots__ = (
        "_failure",
        "_found",
        "_live",
        "_loaded",
        "_preloaded",
        "_removed",
        "_sealed",
        "_shown",
        "_user",
        "cookie",
        "cookies",
        "is_cleared",
        "is_restarted",
        "is_rotated",
        "keeper",
        "remember",
        "required",
    )

    def __init__(self, keeper: "Keeper", cookies: "SessionCookies", cookie: str | None) -> None:
        self.cookies = cookies
        """The cookies in which this client keeps its session."""
        self.cookie = cookie
        """The value of the client's session cookie; None without one."""
        self.is_rotated = False
        """Whether the session gets a new id."""
        self.is_restarted = False
        """Whether the absolute expiry begins again, because a user has logged in."""
        self.is_cleared = False
        """Whether all earlier values and the user were removed."""
        self.remember: bool | None = None
        """True to set the cookie that remembers the user, False to delete it, None to leave it."""
        self.required: str | None = None
        """The key in the store without which the login of the user is not saved; None for a login with a password."""
        self.keeper = keeper
        """What loads and saves this session."""
        self._found = _NOTHING
        self._live: dict[str, Any] = {}
        self._removed: set[str] = set()
        self._shown: list[str] = []
        self._loaded = False
        self._preloaded = False
        self._sealed = False
        self._user: str | None = None
        self._failure: StoreUnavailable | None = None

    # The mapping

    def __getitem__(self, name: str) -> Any:
        """The value with a name. Raises KeyError if there is none."""
        given: object = name
        if not isinstance(given, str) or given.startswith(OWN):
            raise KeyError(name)
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
        return f"<Session with {', '.join(self) or 'no values'}>" if self._loaded else "<Session, not read yet>"

    # More than a mapping

    @property
    def user(self) -> str | None:
        """The id of the user who has logged in; None without a user."""
        self._open()
        return self._user

    @property
    def is_new(self) -> bool:
        """Whether the client had no session before this request."""
        self._open()
        return self._found is _NOTHING

    async def load(self) -> "Session":
        """Load the session from its store, if that has not happened yet. It is needed only with `preload=False`."""
        await self.preload()
        self._open()
        return self

    def clear(self) -> None:
        """Remove all values, log the user out, and give the session a new id."""
        self._open_to_change()
        if self._failure is not None:  # the session would be back when the store is
            raise unavailable(self._failure)
        self._live.clear()
        self._removed = set(self._found.values)
        self._user = None
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
        self._open()
        if name in self._live:
            return self._live[name]
        if name in self._removed:
            raise KeyError(name)
        value = self._live[name] = decode(self._found.values[name])
        return value

    def write(self, name: str, value: Any) -> None:
        """Set a value, also one that the mapping does not show."""
        encode(name, value)  # raises an error here, where the user's code is on the stack
        self._open_to_change()
        self._live[name] = value
        self._removed.discard(name)

    def remove(self, name: str) -> None:
        """Remove a value, if there is one."""
        self._open_to_change()
        self._live.pop(name, None)
        if name in self._found.values:
            self._removed.add(name)

    def show(self, name: str) -> Any:
        """The value with a name. It is removed if the client sees the page that shows it."""
        self._open_to_change()
        self._shown.append(name)
        return self.read(name)

    def remove_shown(self) -> None:
        """Remove the values that the page shows, because the client sees it."""
        for name in self._shown:
            self.remove(name)

    def own_names(self, prefix: str) -> list[str]:
        """The names that begin with a prefix, also those that the mapping does not show."""
        return [name for name in self._names() if name.startswith(prefix)]

    def begin_for(self, user: str) -> None:
        """Log a user in: with a new id and a new absolute expiry. The values of another user are removed."""
        self._open_to_change()
        if self._failure is not None:  # the login would not be kept
            raise unavailable(self._failure)
        if self._user not in (None, user):
            self.clear()
        self._user = user
        self.is_rotated = self.is_restarted = True

    @property
    def was_used(self) -> bool:
        """Whether the session was read or changed."""
        return self._loaded

    @property
    def found(self) -> StoredSession | None:
        """The session as it was stored; None if there was none."""
        return None if self._found is _NOTHING else self._found

    @property
    def failure(self) -> StoreUnavailable | None:
        """The error with which the session could not be loaded; None if there was none."""
        return self._failure

    async def preload(self) -> None:
        """Load the session, without marking it as used. An error of the store is raised when the session is used."""
        if self.cookie is not None and not self._preloaded and not self._loaded:
            try:
                self._found = await self.keeper.load(self.cookie) or _NOTHING
            except StoreUnavailable as error:
                self._failure = error
            self._user = self._found.user
            self._preloaded = True

    def changes(self) -> tuple[dict[str, bytes], set[str]]:
        """The changed values, encoded, and the names of the removed ones."""
        known = self._found.values
        encoded = {name: encode(name, value) for name, value in self._live.items()}
        return {name: value for name, value in encoded.items() if known.get(name) != value}, self._removed

    def values_now(self) -> dict[str, bytes]:
        """All values, encoded."""
        changed, removed = self.changes()
        kept = {name: value for name, value in self._found.values.items() if name not in removed}
        return {**kept, **changed}

    def seal(self) -> None:
        """Refuse later changes, because the session has been saved."""
        self._sealed = True

    def _names(self) -> list[str]:
        self._open()
        kept = [name for name in self._found.values if name not in self._removed]
        return [*kept, *(name for name in self._live if name not in self._found.values)]

    def _open(self) -> None:
        if self._loaded:
            return
        if self.cookie is not None and not self._preloaded:
            try:
                self._found = self.keeper.load_now(self.cookie) or _NOTHING
            except StoreUnavailable as error:
                self._failure = error
            self._user = self._found.user
            self._preloaded = True
        if self._failure is not None:
            self.keeper.refuse(self._failure)
        self._loaded = True

    def _open_to_change(self) -> None:
        self._open()
        if self._sealed:
            raise HandlerError("RW253", "A session was changed after the response had begun.")
