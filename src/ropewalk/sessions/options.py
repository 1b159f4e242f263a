"""`SessionsOptions`: where sessions are kept, how long, and in which cookie."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from ropewalk.errors import KnownOptions
from ropewalk.headers import TOKEN
from ropewalk.middleware.options import check_choice, check_count, check_seconds, check_switches, unsafe, wrong
from ropewalk.sessions.csrf_options import CSRFOptions
from ropewalk.stores import SessionStore

LEAST_SECRET: Final = 32
"""The minimum size of a secret in bytes: the size of the hash in a signature (SHA-256)."""
_DAY: Final = 24 * 60 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsOptions(KnownOptions):
    """The options of `sessions`: either a `secret` (or `keys`), or a `store`. Times are in seconds.

    Raises HandlerError: RW230 for an invalid value, RW231 for a contradiction, RW255 if a cookie needs a package that
    is not installed.
    """

    secret: str | bytes | None = field(default=None, repr=False)
    """Keeps sessions in a cookie, and is the key that signs it: at least 32 random bytes, the same in all processes.
    Clients can read the values in a signed cookie, but not change them.
    """
    keys: Sequence[str | bytes] = field(default=(), repr=False)
    """Several secrets, so that one can be replaced without ending all sessions: the first signs, and signatures of all
    are accepted.
    """
    store: SessionStore | None = None
    """Keeps sessions on the server. The cookie then has only a random id, which needs no secret."""
    idle: float = 2 * 60 * 60
    """How long a session lasts if no request reads or changes it. It may end up to a tenth of this time earlier,
    because a request that only reads the session does not always write the time of its use.
    """
    absolute: float = 7 * _DAY
    """How long a session lasts from its start, or from the login of its user, however often it is used."""
    remember_for: float = 30 * _DAY
    """How long `login(..., remember=True)` logs the user in again, without a password."""
    cookie: str = "session"
    """The name of the cookie, without the prefix `__Host-`, which is added."""
    same_site: Literal["lax", "strict"] = "lax"
    """SameSite of the cookie. With "strict", a user who follows a link from another site is not logged in."""
    insecure_localhost: bool = False
    """Whether sessions work over http on localhost, for development: the cookie then has neither `Secure` nor the
    prefix `__Host-`. Other hosts, and https, are not affected. Under `ropewalk dev`, this is always so."""
    preload: bool = True
    """Whether a session in a store that has to be awaited, such as SQLite or Redis, is loaded before the handler. With
    False, call `await request.session.load()` before you use it; requests that do not use it then cost no call of the
    store.
    """
    size_limit: int = 64 * 1024
    """The maximum size in bytes of a session in a store, encoded. A signed cookie has at most 4096 bytes."""
    on_store_failure: Literal["closed", "open"] = "closed"
    """What happens while the store is unavailable. "closed": a request that uses its session gets 503. "open": it has
    an empty session, and its changes are lost, but `login` and `logout` fail with 503."""
    csrf: CSRFOptions | None = field(default_factory=CSRFOptions)
    """The protection from forms of other sites, as by the middleware `csrf`. None switches it off."""

    def __post_init__(self) -> None:
        for name in ("idle", "absolute", "remember_for"):
            check_seconds(self, name)
        given: object = self.cookie
        if not isinstance(given, str) or not TOKEN.fullmatch(given):
            raise wrong(self, "cookie", self.cookie, "Use letters, digits, `-` and `_`.")
        if self.cookie.lower().startswith(("__host-", "__secure-")):
            raise wrong(self, "cookie", self.cookie, "Leave out the prefix; `__Host-` is added.")
        check_choice(self, "same_site", ("lax", "strict"))
        check_choice(self, "on_store_failure", ("closed", "open"))
        check_switches(self, "insecure_localhost", "preload")
        check_count(self, "size_limit", least=1)
        if self.csrf is not None and not isinstance(self.csrf, CSRFOptions):
            raise wrong(self, "csrf", self.csrf, "Give CSRFOptions(...), or None to switch the protection off.")
        self._check_keys()
        if self.absolute < self.idle:
            raise unsafe(self, "absolute is less than idle.", "Give absolute the same time, or more.")

    @property
    def signing_keys(self) -> tuple[str | bytes, ...]:
        """The secrets of signed cookies, the newest first."""
        return tuple(self.keys) if self.secret is None else (self.secret, *self.keys)

    def _check_keys(self) -> None:
        if isinstance(self.keys, str | bytes):
            raise wrong(self, "keys", "a single secret", "Write a list, or use secret=.")
        keys = self.signing_keys
        if any(not isinstance(each, str | bytes) for each in keys):
            raise wrong(self, "keys", "a list with another type", "Give each secret as str or bytes.")
        if any(len(each) < LEAST_SECRET for each in keys):
            remedy = f"Give at least {LEAST_SECRET} random bytes, such as secrets.token_hex(32)."
            raise unsafe(self, "a secret is too short.", remedy)
        if self.secret is not None and self.keys:
            raise unsafe(self, "both secret and keys are given.", "Give all secrets in keys, the newest first.")
        if keys and self.store is not None:
            raise unsafe(self, "a store needs no secret.", "Leave out the secret, or leave out the store.")
        if not keys and self.store is None:
            remedy = "Give secret=... for sessions in signed cookies, or store=SQLiteSessions(...)."
            raise unsafe(self, "neither a secret nor a store is given.", remedy)
        object.__setattr__(self, "keys", tuple(self.keys))
