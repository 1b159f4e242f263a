"""`LoginThrottle`: limits how often passwords can be guessed."""

from dataclasses import dataclass, field
from typing import Final, Literal
from unicodedata import category, normalize

from ropewalk.errors import HandlerError, KnownOptions, full_name
from ropewalk.middleware.client_network import client_network
from ropewalk.middleware.options import check_choice, check_count, check_kind, unsafe, wrong
from ropewalk.middleware.rate_limit import RateLimit, seconds_to_next
from ropewalk.middleware.sender import digest
from ropewalk.middleware.store_options import RETRY_SOON, refusal
from ropewalk.request import Request
from ropewalk.sessions.logins import LONGEST
from ropewalk.stores import Bucket, MemoryRateLimits, RateLimitStore, StoreUnavailable

_IGNORED: Final = frozenset(("Mn", "Cf", "Cc", "Zs", "Zl", "Zp"))
"""The Unicode categories of the characters that `_folded` removes: accents, invisible characters, control characters
and spaces.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginThrottleOptions(KnownOptions):
    """The options of `LoginThrottle`. Raises HandlerError (RW230, RW231)."""

    per_user: RateLimit = field(default_factory=lambda: RateLimit(20, 3600, burst=20, name="user"))
    """How many attempts there may be for one user name, from all clients together. It limits guesses that come from
    many addresses."""
    per_user_and_client: RateLimit = field(default_factory=lambda: RateLimit(10, 900, burst=5, name="user-client"))
    """How many attempts one client may make for one user name."""
    per_client: RateLimit = field(default_factory=lambda: RateLimit(60, 900, burst=30, name="client"))
    """How many attempts one client may make, for all user names together."""
    store: RateLimitStore | None = None
    """Where attempts are counted. None: in the memory of this process."""
    on_store_failure: Literal["closed", "open"] = "closed"
    """What happens while the store is unavailable: "closed" refuses all attempts with 503, "open" allows them."""
    ipv6_prefix: int = 64
    """The prefix length of the IPv6 networks that count as one client, from 1 to 128."""

    def __post_init__(self) -> None:
        names = []
        for name in ("per_user", "per_user_and_client", "per_client"):
            limit = getattr(self, name)
            if not isinstance(limit, RateLimit):
                raise wrong(self, name, limit, "Give a RateLimit, such as RateLimit(10, 900).")
            names.append(limit.name)
        if len(set(names)) < len(names):
            raise unsafe(self, f"two limits have the same name: {', '.join(names)}.", "Give each its own: name=.")
        check_choice(self, "on_store_failure", ("closed", "open"))
        check_count(self, "ipv6_prefix", least=1, most=128)


class LoginThrottle:
    """Limits the attempts to log in: `await throttle.take(request, name)`, before you check the password.

    Unknown user names count as well, so that clients cannot find out which users exist.
    """

    def __init__(self, options: LoginThrottleOptions | None = None) -> None:
        self.options = LoginThrottleOptions() if options is None else options
        check_kind(self.options, LoginThrottleOptions)
        self._store: RateLimitStore = MemoryRateLimits() if self.options.store is None else self.options.store

    async def take(self, request: Request, user_name: str) -> None:
        """Count an attempt. Raises HTTPError 429 with Retry-After if there were too many, and 503 without a store.

        Names count as one if they differ only in case, spaces, accents, invisible characters, or forms such as
        full-width letters, because databases and programs take them for the same name. Raises HandlerError (RW257) if
        the name is not a str, such as the None of a missing field.
        """
        given: object = user_name
        if not isinstance(given, str):
            what = f"LoginThrottle.take was called with {full_name(type(given))} as the name of the user."
            raise HandlerError("RW257", what, "Give the name that the client has entered, as a str.")
        options = self.options
        name = _folded(user_name)
        client = client_network(request, options.ipv6_prefix)
        keyed = (
            (options.per_user, ("user", name)),
            (options.per_user_and_client, ("user and client", name, client)),
            (options.per_client, ("client", client)),
        )
        buckets = [Bucket(f"login:{limit.name}", digest(*key)[:32], limit.capacity, limit.rate) for limit, key in keyed]
        try:
            taken = await self._store.take(buckets)
        except StoreUnavailable as error:
            if options.on_store_failure == "open":
                return
            raise refusal(503, "Logins are not possible at the moment.", [RETRY_SOON]) from error
        if not taken.allowed:
            waits = [
                seconds_to_next(limit, left) for (limit, _), left in zip(keyed, taken.tokens, strict=True) if left < 1
            ]
            raise refusal(429, "There were too many attempts to log in.", [("retry-after", str(max(waits)))])


def _folded(name: str) -> str:
    """A form that names share if a database or a program may take them for the same name.

    The default collation of MySQL ignores case and accents, Django normalizes names with NFKC, and many programs remove
    spaces. Without this, a client could write one name in many ways, and would have the full number of attempts for
    each of them.
    """
    letters = normalize("NFKD", name[:LONGEST].casefold())
    return "".join(letter for letter in letters if category(letter) not in _IGNORED)
