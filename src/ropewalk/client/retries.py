"""`Retries`: when a call is repeated, and how long the client waits before."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ropewalk.client.option_checks import check_int, check_seconds, wrong
from ropewalk.clocks import unix_time
from ropewalk.errors import KnownOptions, is_int
from ropewalk.headers import Headers, parse_http_date

IDEMPOTENT: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"))
"""Methods whose requests have the same effect if they are sent several times (RFC 9110, section 9.2.2)."""
_RESERVE: Final = 10.0
"""The most retries that a client has in reserve. `budget` limits the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries(KnownOptions):
    """When a call is repeated. Raises OptionError (RW359) for an invalid value.

    Only requests with an idempotent method, or with the field Idempotency-Key, are repeated, and only if their body can
    be sent again. The reasons are: no connection, a connection that ended, and the statuses in `statuses`.
    """

    attempts: int = 3
    """How many times a request is sent at most. 1 switches retries off."""
    first_delay: float = 0.1
    """The longest wait in seconds before the first retry. The longest wait doubles with each retry. The actual wait is
    a random part of it, so that clients do not repeat their requests at the same moment."""
    longest_delay: float = 10.0
    """The longest wait in seconds. If Retry-After is longer, the request is not repeated."""
    statuses: frozenset[int] = frozenset((429, 503))
    """Statuses after which the request is repeated. If the response has the field Retry-After, the client waits for
    this time."""
    budget: float = 0.2
    """How many retries a client may make on average for each call. In addition, it has 10 retries in reserve. This
    limit keeps the clients of a failing service from multiplying its load."""

    def __post_init__(self) -> None:
        check_int(self, "attempts", 1)
        check_seconds(self, "first_delay")
        check_seconds(self, "longest_delay")
        statuses: object = self.statuses
        if not isinstance(statuses, frozenset) or not all(is_int(each) for each in statuses):
            raise wrong(self, "statuses", "Give a frozenset of ints, such as frozenset((429, 503)).")
        budget: object = self.budget
        if isinstance(budget, bool) or not isinstance(budget, int | float) or not 0 <= budget <= 10:
            raise wrong(self, "budget", "Give a number from 0 to 10.")


class RetryBudget:
    """The retries that a client may still make."""

    def __init__(self, options: Retries) -> None:
        self._options = options
        self._left = _RESERVE

    def note_request(self) -> None:
        """Record a new call, which allows more retries."""
        self._left = min(_RESERVE, self._left + self._options.budget)

    def take(self) -> bool:
        """Use one retry. False if none is left."""
        if self._left < 1:
            return False
        self._left -= 1
        return True


def retry_delay(options: Retries, attempt: int, headers: Headers | None, random: Callable[[], float]) -> float | None:
    """The seconds to wait after the attempt with this number, from 1; None if the request is not repeated.

    `headers` are those of the response, if one arrived. `random` returns a number from 0 to 1.
    """
    if attempt >= options.attempts:
        return None
    bound: float = min(options.longest_delay, options.first_delay * 2.0 ** min(attempt - 1, 30))
    after = None if headers is None else _retry_after(headers.get("retry-after"))
    if after is None:
        return bound * random()
    if after > options.longest_delay:
        return None
    return min(options.longest_delay, after + bound * random())  # so that clients do not retry together


def _retry_after(value: str | None) -> float | None:
    """The seconds in a Retry-After field (RFC 9110, section 10.2.3); None if it is missing or malformed."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(value[:10])
    now = unix_time()
    date = parse_http_date(value, now)
    return None if date is None else max(0.0, date - now)
