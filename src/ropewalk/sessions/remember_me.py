"""The cookie that logs a user in again, and its theft.

The cookie has the id of a series, which begins at a login with a password, and a token, which is replaced at each use.
A token that was replaced is accepted for GRACE seconds, because a browser may send several requests at a time. If a
replaced token is used later, two parties have the cookie. The server cannot tell which of them is the user, so it ends
all sessions of the user.

The store has only hashes of the id and of the tokens. The next token is computed from the last one and a secret of the
series, so that concurrent requests give the browser the same token, and a copy of the store does not reveal a token.
"""

import hmac
from hashlib import sha256
from secrets import compare_digest, token_urlsafe
from typing import Final

import msgspec
from twisted.logger import Logger

from ropewalk.clocks import unix_time
from ropewalk.errors import CATALOGUE, shown
from ropewalk.request import Request
from ropewalk.sessions.keepers import StoreKeeper
from ropewalk.sessions.logins import REMEMBERED, begin
from ropewalk.sessions.session import Session
from ropewalk.sessions.session_ids import key_of, new_id
from ropewalk.sessions.store_unavailable import unavailable
from ropewalk.stores import StoredSession, StoreUnavailable

log = Logger(namespace="ropewalk.sessions")

GRACE: Final = 60
"""Seconds for which a token is accepted after it was replaced."""
_LONGEST: Final = 128
"""The maximum length in characters of a cookie that is looked up."""
_PURPOSE: Final = "remember"
_SERIES: Final = "series"
"""The name of the value in the store that has the series."""


class Series(msgspec.Struct, array_like=True):
    """The tokens of one remembered browser, as the store keeps them."""

    secret: str
    token: str
    """The hash of the current token."""
    replaced: str = ""
    """The hash of the token before; "" if there was none."""
    replaced_at: float = 0.0
    """When that token was replaced: a Unix time in seconds."""

    def accepts(self, token: str, now: float) -> bool:
        """Whether a token is the current one, or was replaced at most GRACE seconds ago."""
        given = _hash(token)
        if compare_digest(given, self.token):
            return True
        return now - self.replaced_at <= GRACE and compare_digest(given, self.replaced)

    def after(self, token: str) -> str:
        """The token that follows this one."""
        return hmac.new(self.secret.encode(), token.encode("utf-8", "surrogatepass"), sha256).hexdigest()

    def advanced(self, token: str, now: float) -> "Series":
        """The series after the use of a token. It does not change if the token was replaced already."""
        if not compare_digest(_hash(token), self.token):
            return self
        return Series(self.secret, _hash(self.after(token)), self.token, now)

    def to_values(self) -> dict[str, bytes]:
        """The series as the values of a session in the store."""
        return {_SERIES: msgspec.json.encode(self)}


async def remember_line(request: Request, session: Session) -> str | None:
    """Keep, replace or forget the token of the browser, as `login`, `recall` or `logout` has decided.

    Return the value of the Set-Cookie field; None to leave the cookie.
    """
    keeper = session.keeper
    if not isinstance(keeper, StoreKeeper):
        return None
    cookie = session.cookies.remember
    given = cookie.value_in(request)
    if session.remember is None:
        return None if session.recalled is None else await _replace(session, keeper, *session.recalled)
    if given is not None:
        await keeper.store.delete(_key_in(given))
    if not session.remember:
        return None if given is None else cookie.deleted()
    name, token, now = new_id(), new_id(), unix_time()
    seconds = keeper.options.remember_for
    # The series is stored like a session, so that `end_sessions` ends it together with the sessions of its user.
    series = Series(token_urlsafe(32), _hash(token))
    stored = StoredSession(series.to_values(), session.user, now, now)
    await keeper.store.create(key_of(name, _PURPOSE), stored, seconds)
    return cookie.set_to(f"{name}.{token}", int(seconds))


async def recall(request: Request) -> str | None:
    """Log in the user whom the browser's cookie remembers. Return the id of the user; None if there is none."""
    session = request.session
    keeper = session.keeper
    if not isinstance(keeper, StoreKeeper):
        return None
    given = session.cookies.remember.value_in(request)
    if given is None or len(given) > _LONGEST:
        return None
    key, now = _key_in(given), unix_time()
    try:
        found = await keeper.store.load(key)
        if found is None or found.user is None or now >= found.created + keeper.options.remember_for:
            return None
        series = _series_of(found)
        if series is None:
            return None
        if not series.accepts(_token_in(given), now):
            await _end_after_theft(session, keeper, found.user)
            return None
    except StoreUnavailable as error:
        if keeper.options.on_store_failure == "closed":
            raise unavailable(error) from error
        return None
    begin(session, found.user)
    session.required = key  # another request may delete the series meanwhile; then the login is not saved
    session.recalled = given, found
    session.write(REMEMBERED, True)
    return found.user


async def _replace(session: Session, keeper: StoreKeeper, given: str, found: StoredSession) -> str | None:
    """Replace the token that was used. Return the value of the Set-Cookie field."""
    series, token, now = _series_of(found), _token_in(given), unix_time()
    left = found.created + keeper.options.remember_for - now
    if series is None or left < 1:
        return None
    advanced = series.advanced(token, now)
    # Concurrent requests write the same token, so their order does not matter. If the series has ended meanwhile,
    # `update` writes nothing, so that the series does not come back.
    if advanced is not series and not await keeper.store.update(_key_in(given), advanced.to_values(), (), now, left):
        return None
    return session.cookies.remember.set_to(f"{_name_in(given)}.{series.after(token)}", int(left))


async def _end_after_theft(session: Session, keeper: StoreKeeper, user: str) -> None:
    """End all sessions of a user, and all remembered browsers, because one of them is not the user's."""
    await keeper.store.end_sessions(user, max(keeper.options.absolute, keeper.options.remember_for))
    session.remember = False
    entry = CATALOGUE["RW375"]
    log.warn(
        "RW375 {summary} The user is {user}. {remedy}", summary=entry.summary, remedy=entry.remedy, user=shown(user)
    )


def _series_of(found: StoredSession) -> Series | None:
    try:
        return msgspec.json.decode(found.values[_SERIES], type=Series)
    except (KeyError, msgspec.DecodeError):
        return None


def _name_in(cookie: str) -> str:
    return cookie.partition(".")[0]


def _token_in(cookie: str) -> str:
    return cookie.partition(".")[2]


def _key_in(cookie: str) -> str:
    """The key in the store for the series of a cookie."""
    return key_of(_name_in(cookie), _PURPOSE)


def _hash(token: str) -> str:
    return key_of(token, "remember token")
