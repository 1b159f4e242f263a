"""Pending logins: data that the browser keeps while its user is at the provider.

They are in a signed cookie that lasts some minutes, so that only the browser that began a login can complete it (RFC
6749, section 10.12).
"""

import secrets
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from ropewalk.auth.oauth.signed_values import SignedValues
from ropewalk.auth.secrets import same_secret
from ropewalk.cookies import format_cookie
from ropewalk.request import Request

MOST_PENDING: Final = 3
"""The largest number of pending logins in one browser, for example in several tabs. The oldest are dropped."""
MOST_COMPLETED: Final = 10000
"""The largest number of completed logins to remember, so that their cookies cannot be used again."""


class PendingLogin(Struct, frozen=True):
    """A login that has begun."""

    state: str
    """A random value that the authorization response repeats."""
    nonce: str
    """A random value that the ID token repeats."""
    verifier: str
    """A secret that proves to the token endpoint that the same client began the login (PKCE, RFC 7636)."""
    return_to: str
    expires: float


class PendingLogins:
    """The pending logins of browsers. Each login is completed at most once."""

    def __init__(self, signed: SignedValues, name: str, seconds: float, *, secure: bool, clock: Callable[[], float]):
        self.cookie = f"__Host-{name}-pending" if secure else f"{name}-pending"
        self._signed = signed
        self._seconds = seconds
        self._secure = secure
        self._clock = clock
        self._completed: dict[str, float] = {}
        """When each completed login expires, by its `state`. The login that was completed first is first."""

    def begin(self, request: Request, return_to: str) -> tuple[PendingLogin, str]:
        """Begin a login. Returns the login, and the Set-Cookie value that stores it in the browser."""
        login = PendingLogin(
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            return_to=return_to,
            expires=self._clock() + self._seconds,
        )
        return login, self._write([*self._read(request), login][-MOST_PENDING:])

    def complete(self, request: Request, state: str) -> tuple[PendingLogin | None, str]:
        """Complete the login with this state. Returns the login, and the Set-Cookie value that removes it from the
        browser.

        The login is None if this browser did not begin it, if it has expired, or if it was completed before.
        """
        found, others = None, []
        for each in self._read(request):
            if same_secret(each.state, state):
                found = each
            else:
                others.append(each)
        if found is not None and not self._is_first(found):
            found = None
        return found, self._write(others)

    def _read(self, request: Request) -> list[PendingLogin]:
        value = self._signed.read(request.cookies.get(self.cookie))
        try:
            logins = msgspec.convert(value, list[PendingLogin])
        except msgspec.ValidationError:
            return []
        now = self._clock()
        return [each for each in logins if each.expires > now]

    def _write(self, logins: list[PendingLogin]) -> str:
        if not logins:
            return format_cookie(self.cookie, "", max_age=0, secure=self._secure)
        text = self._signed.write(msgspec.to_builtins(logins))
        return format_cookie(self.cookie, text, max_age=max(1, int(self._seconds)), secure=self._secure)

    def _is_first(self, login: PendingLogin) -> bool:
        """Record that a login is completed. Returns False if it was already completed, which happens if a copy of the
        cookie is used."""
        if login.state in self._completed:
            return False
        now = self._clock()
        while self._completed:
            oldest = next(iter(self._completed))
            if self._completed[oldest] > now and len(self._completed) < MOST_COMPLETED:
                break
            del self._completed[oldest]
        self._completed[login.state] = login.expires
        return True
