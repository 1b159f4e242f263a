"""Warn about Secure cookies that were set over http. Browsers drop them, so a login that works in a test would fail in
a browser."""

import sys
import warnings
from types import FrameType
from typing import Final

from ropewalk.cookie_jar import CookieJar, StoredCookie
from ropewalk.testing.outgoing import Outgoing
from ropewalk.waiting_places import is_users

_MOST: Final = 100
"""The most cookies that are remembered. There is a limit because the client inside `HTTPClient(app=app)` may live as
long as a server."""


class SecureCookiesOverHTTP:
    """The Secure cookies that responses have set over http."""

    def __init__(self) -> None:
        self._unsent: dict[tuple[str, str, str], str] = {}
        """For each cookie, the request whose response has set it. A cookie is removed after the warning about it."""

    def note(self, outgoing: Outgoing, stored: list[StoredCookie]) -> None:
        """Record the cookies that a response has set."""
        for cookie in stored:
            if cookie.secure and not outgoing.secure:
                self._unsent[cookie.key] = f"{outgoing.method} {outgoing.target.path.partition('?')[0]}"
            else:
                self._unsent.pop(cookie.key, None)
        while len(self._unsent) > _MOST:
            del self._unsent[next(iter(self._unsent))]

    def warn_of_unsent(self, outgoing: Outgoing, jar: CookieJar) -> None:
        """Warn (RW256), once for each cookie, if a request is sent without a cookie that it would have over HTTPS."""
        if outgoing.secure or not self._unsent:
            return
        for cookie in outgoing.cookies_over_https(jar):
            setter = self._unsent.pop(cookie.key, None)
            if setter is not None and cookie.name not in outgoing.cookies:
                path = outgoing.target.path.partition("?")[0]
                _warn(
                    f"RW256: {setter} has set the Secure cookie {cookie.name} over http, so {outgoing.method} {path} "
                    "is sent without it, as by a browser. Use HTTPS in the test: Client(app, secure=True)."
                )


def _warn(message: str) -> None:
    """Warn at the line of the user's code that sends the request."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - `warnings` uses it, too
    while frame is not None and not is_users(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        warnings.warn(message, UserWarning, stacklevel=2)
        return
    registry = frame.f_globals.setdefault("__warningregistry__", {})
    module = frame.f_globals.get("__name__")
    warnings.warn_explicit(message, UserWarning, frame.f_code.co_filename, frame.f_lineno, module, registry)
