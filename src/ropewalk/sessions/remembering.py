"""The cookie that logs a user in again. The store has only a hash of its token."""

from ropewalk.clocks import unix_time
from ropewalk.request import Request
from ropewalk.sessions.keepers import LONGEST_ID, StoreKeeper, key_of, new_id
from ropewalk.sessions.logins import REMEMBERED, begin
from ropewalk.sessions.session import Session
from ropewalk.sessions.store_unavailable import unavailable
from ropewalk.stores import StoredSession, StoreUnavailable

_PURPOSE = "remember"


async def remember_line(request: Request, session: Session) -> str | None:
    """Keep or forget the token of the browser, as `login` or `logout` has decided. Return the Set-Cookie value."""
    keeper = session.keeper
    if session.remember is None or not isinstance(keeper, StoreKeeper):
        return None
    cookie = session.cookies.remember
    old = cookie.value_in(request.values(b"cookie"))
    if old is not None:
        await keeper.store.delete(key_of(old, _PURPOSE))
    if not session.remember:
        return None if old is None else cookie.deleted()
    token, now = new_id(), unix_time()
    seconds = keeper.options.remember_for
    # It is stored like a session without values, so that it ends with the sessions of its user.
    await keeper.store.create(key_of(token, _PURPOSE), StoredSession({}, session.user, now, now), seconds)
    return cookie.set_to(token, int(seconds))


async def recall(request: Request) -> str | None:
    """Log in the user whom the browser's cookie remembers. Return the id of the user; None if there is none."""
    session = request.session
    keeper = session.keeper
    if not isinstance(keeper, StoreKeeper):
        return None
    token = session.cookies.remember.value_in(request.values(b"cookie"))
    if token is None or len(token) > LONGEST_ID:
        return None
    try:
        found = await keeper.store.load(key_of(token, _PURPOSE))
    except StoreUnavailable as error:
        if keeper.options.on_store_failure == "closed":
            raise unavailable(error) from error
        return None
    if found is None or found.user is None or unix_time() >= found.created + keeper.options.remember_for:
        return None
    begin(session, found.user)
    session.required = key_of(token, _PURPOSE)  # it may be forgotten while this request runs
    session.write(REMEMBERED, True)
    return found.user
