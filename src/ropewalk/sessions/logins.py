"""Log users in and out: `login`, `logout`, `log_out_everywhere`."""

from inspect import isawaitable
from typing import Final
from uuid import UUID

from ropewalk.errors import HandlerError, full_name, shown
from ropewalk.request import Request
from ropewalk.sessions.csrf_token import SECRET
from ropewalk.sessions.keepers import StoreKeeper
from ropewalk.sessions.session import Session
from ropewalk.sessions.store_unavailable import unavailable
from ropewalk.sessions.values import OWN
from ropewalk.stores import StoreUnavailable

REMEMBERED: Final = f"{OWN}remembered"
"""The name of the value in the session that is True if `recall` has logged the user in, without a password."""
LONGEST: Final = 512
"""The maximum length in characters of the id of a user."""
LARGEST_INT: Final = 256
"""The maximum size in bits of an int that is the id of a user."""


def login(request: Request, user_id: str | int | UUID, *, remember: bool = False) -> None:
    """Log a user in, after your program has checked the password: `login(request, user.id)`.

    The session gets a new id, so that an id which others knew before does not give them access (session fixation). Its
    values stay, unless another user was logged in. With `remember`, the user is logged in again in this browser after
    the session has ended, until `remember_for` seconds after this login. Raises HandlerError: RW250 without `sessions`,
    RW254 for `remember` if sessions are kept in cookies, RW257 for a wrong id. Raises HTTPError 503 if the store cannot
    be reached.
    """
    user = _checked(user_id, "login")
    session = request.session
    if remember:
        store_of(session, "login(..., remember=True)")
    begin(session, user)
    session.required = None
    session.remember = remember


def logout(request: Request) -> None:
    """Log the user out of this browser: all values of the session are removed, and its cookies are deleted.

    A copy of a signed cookie stays valid until it expires. A session in a store ends at once. Raises HandlerError
    (RW250) without `sessions`, and HTTPError 503 if the store cannot be reached.
    """
    request.session.clear()


async def log_out_everywhere(request: Request, user_id: str | int | UUID | None = None) -> None:
    """End all sessions of a user, in all browsers, and forget the browsers that were remembered.

    Without `user_id`, it is the user of this request. To keep the user logged in here, for example after a change of
    the password, call `login` afterwards. Raises HandlerError: RW254 if sessions are kept in cookies, RW257 without a
    user. Raises HTTPError 503 if the store cannot be reached.
    """
    session = await request.session.load()
    keeper = store_of(session, "log_out_everywhere")
    user = session.user if user_id is None else _checked(user_id, "log_out_everywhere")
    if user is None:
        raise HandlerError("RW257", "log_out_everywhere was called without a user, in a session without one.")
    longest = max(keeper.options.absolute, keeper.options.remember_for)
    try:
        await keeper.store.end_sessions(user, longest)
    except StoreUnavailable as error:
        raise unavailable(error) from error
    if session.user == user:
        logout(request)


def is_remembered(request: Request) -> bool:
    """Whether the user was logged in by the cookie of `remember`, without a password.

    Let such a user enter the password again before something important, such as a change of the email address.
    """
    try:
        return bool(request.session.read(REMEMBERED))
    except KeyError:
        return False


def begin(session: Session, user: str) -> None:
    """Log a user in, with a new id for the session and a new secret for CSRF tokens."""
    session.begin_for(user)
    session.rotate()
    session.remove(SECRET)
    session.remove(REMEMBERED)


def store_of(session: Session, feature: str) -> StoreKeeper:
    """The keeper of a session, if it has a store. Raises HandlerError (RW254)."""
    keeper = session.keeper
    if not isinstance(keeper, StoreKeeper):
        raise HandlerError("RW254", f"{feature} needs a store, but sessions are kept in cookies.")
    return keeper


def _checked(user_id: object, function: str) -> str:
    """The id of a user as str. Raises HandlerError (RW257) for what is not an id, such as an empty field of a form."""
    if isinstance(user_id, bool) or not isinstance(user_id, str | int | UUID):
        what = f"{function} was called with {full_name(type(user_id))}. The id of a user is a str, an int or a UUID."
        raise HandlerError("RW257", what, "Await it before." if isawaitable(user_id) else None)
    if isinstance(user_id, int) and user_id.bit_length() > LARGEST_INT:
        what = f"{function} was called with an int of {user_id.bit_length()} bits. It may have at most {LARGEST_INT}."
        raise HandlerError("RW257", what)
    user = str(user_id)
    if not user or len(user) > LONGEST or not user.isprintable() or user != user.strip():
        what = f"{function} was called with {shown(user)}. The id of a user has 1 to {LONGEST} printable characters"
        raise HandlerError("RW257", f"{what}, and no space at its ends.")
    return user
