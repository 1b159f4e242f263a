"""Checks whether a request that changes something was sent by a page of this site.

| what the client sends | a page of this site | another page | undecided |
|---|---|---|---|
| `Sec-Fetch-Site` | `same-origin`, `none` | every other value | |
| else `Origin` | the request's own | every other value | `null` |
| neither | | | always |

An undecided request needs a token if it has a cookie.
"""

from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlsplit

from ropewalk.forms import MULTIPART, URLENCODED
from ropewalk.headers import content_type
from ropewalk.middleware.store_options import call_option, refusal
from ropewalk.request import Request
from ropewalk.sessions.csrf_options import CSRFOptions
from ropewalk.sessions.csrf_token import FIELD, is_token

Sender = Literal["own", "other", "undecided"]

SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
"""Methods that change nothing (RFC 9110, section 9.2.1)."""
_SIMPLE: Final = frozenset((URLENCODED, MULTIPART, "text/plain", ""))
"""The types that a page may send to another site without a CORS preflight (Fetch, section 2.2.2)."""
_PORTS: Final = {"http": ":80", "https": ":443"}
_MOST_FIELDS: Final = 1000

OTHER_SITE: Final = (
    "The request was not processed, because it was sent by a page of another site. If you have opened this page "
    "yourself, go back, reload the page before, and try again."
)
NO_TOKEN: Final = (
    "The request was not processed, because it does not show that a page of this site has sent it. Reload the page "
    f"with the form, and send it again. A program must send the field Origin, or a token in X-CSRF-Token or {FIELD}."
)

TOKEN_IN_FILES: Final = (
    "The token was in a form of the type multipart/form-data, which cannot be read a second time here. Send the token "
    "in the field X-CSRF-Token."
)
"""The refusal for a handler that reads a multipart body, but not as a form, after the check has read it to find the
token.
"""


class CSRFCheck:
    """Checks the requests of one middleware, by its options."""

    def __init__(self, options: CSRFOptions) -> None:
        self._options = options

    def is_safe(self, request: Request) -> bool:
        """Whether the method of a request changes nothing."""
        return request.method in SAFE

    async def check(self, request: Request, *, has_cookie: bool) -> None:
        """Raises HTTPError 403 for a request that another site may have made the browser send.

        `has_cookie`: the request has a cookie that identifies its user. Without one, only a form of another site is
        refused, because it may log the browser in as another user.
        """
        options = self._options
        sender = sender_of(request, options)
        if sender == "own" or (sender == "undecided" and not has_cookie):
            return
        if options.exempt is not None and await call_option(options.exempt, request):
            return
        if sender == "undecided":
            if not await self._has_token(request):
                raise refusal(403, NO_TOKEN)
        elif has_cookie or _is_plain_form(request):
            raise refusal(403, OTHER_SITE)

    async def _has_token(self, request: Request) -> bool:
        if not request.has_session:
            return False
        session = await request.session.load()
        given: Any = request.header(self._options.header)
        if given is None:
            given = await _token_in_form(request)
        return isinstance(given, str) and is_token(session, given)


def sender_of(request: Request, options: CSRFOptions) -> Sender:
    """Whether a page of this site has sent a request, by the header fields that scripts cannot set."""
    sites, origins = request.values(b"sec-fetch-site"), request.values(b"origin")
    if len(sites) > 1 or len(origins) > 1:  # no browser repeats these fields
        return "other"
    origin = origins[0].decode("latin-1").lower() if origins else None
    if origin is not None and origin in options.trusted_origins:
        return "own"
    if sites:
        return "own" if sites[0] in (b"same-origin", b"none") else "other"
    if origin is None or origin == "null":
        return "undecided"
    return "own" if _is_own(origin, request) else "other"


def _is_own(origin: str, request: Request) -> bool:
    """Whether an origin is that of the request.

    A request over http may have an https origin, because a proxy in front may have removed the TLS. A request over
    https must not have an http origin, because an attacker in the network can change a page that is sent over http.
    """
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    port = _PORTS.get(parts.scheme)
    if port is None or (parts.scheme == "http" and request.scheme == "https"):
        return False
    host = (request.host or "").lower()
    return bool(host) and parts.netloc.removesuffix(port) == host.removesuffix(port)


def _is_plain_form(request: Request) -> bool:
    """Whether a form of another site can send this request without a CORS preflight."""
    kind = content_type(request.header("content-type"))[0]
    return request.method == "POST" and kind in _SIMPLE and not request.values(b"authorization")


async def _token_in_form(request: Request) -> Any:
    """The token in the form field; None without one."""
    kind = content_type(request.header("content-type"))[0]
    if kind == URLENCODED:
        handler = request.engine_handler
        body = await request.body(None if handler is None else handler.body_limit)
        try:
            fields = parse_qsl(body.decode("utf-8"), max_num_fields=_MOST_FIELDS)
        except ValueError:
            return None
        return next((value for name, value in fields if name == FIELD), None)
    if kind == MULTIPART:
        is_kept = request.kept_body is not None  # by other middleware that has read the body before
        token = (await request.form()).get(FIELD)
        if not is_kept:
            request.refuse_body(TOKEN_IN_FILES)
        return token
    return None
