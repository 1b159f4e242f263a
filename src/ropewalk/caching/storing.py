"""Which responses may be stored, and how long they are fresh (RFC 9111, sections 3 and 4.2)."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from ropewalk.caching.directives import Directives, delta_seconds, parse_directives, seconds_of
from ropewalk.caching.keys import vary_names
from ropewalk.caching.rules import UNSTORABLE, Rules
from ropewalk.charsets import codec_for, encode
from ropewalk.errors import HandlerError, HTTPError
from ropewalk.etags import digest_tag
from ropewalk.headers import http_date, parse_http_date
from ropewalk.middleware.conditional import ConditionalOptions, entity_tag
from ropewalk.request import Request, octets
from ropewalk.response import Response
from ropewalk.stores import StoredResponse
from ropewalk.typed.request_reads import reads_for

_OF_CONNECTION: Final = frozenset(
    (
        *("connection", "content-length", "keep-alive", "proxy-authenticate", "proxy-authentication-info"),
        *("proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "age"),
    )
)
"""Response fields that are not stored: those that concern one connection (RFC 9111, section 3.1), those that the engine
adds, and Age, which is computed."""
_TAGS: Final = ConditionalOptions(hashed_body_limit=2**62)

Refusal = str
"""Why a response is not stored: a word for the field Cache-Status."""


class Storable(NamedTuple):
    """What is known of a response that may be stored, without its body."""

    fields: tuple[tuple[str, str], ...]
    vary: tuple[str, ...]
    made: float
    fresh_until: float
    revalidate_until: float
    error_until: float
    shared: bool


def has_credentials(request: Request) -> bool:
    """Whether a request has credentials in its header."""
    return request.header("authorization") is not None or request.header("x-api-key") is not None


def storable(request: Request, response: Response, rules: Rules, now: float) -> Storable | Refusal:
    """Decide whether the response to a GET may be stored, and how long. `now` is in seconds since 1970."""
    status, error = response.status, response.error
    if status >= 500 or (error is not None and not isinstance(error, HTTPError)):
        return "error"
    if status in UNSTORABLE:
        return "status"
    if rules.seconds is None and response.is_plain():
        return "no-lifetime"  # it has no field that could give it a time
    lines = response.headers.lines()
    by_name: dict[str, list[str]] = {}
    for name, value in lines:
        by_name.setdefault(name, []).append(value)
    directives = parse_directives(by_name.get("cache-control", ()))
    forbidden = next((each for each in ("no-store", "private", "no-cache") if each in directives), None)
    if forbidden is not None and not (forbidden == "no-store" and "must-understand" in directives):
        return forbidden
    if "set-cookie" in by_name:
        return "set-cookie"
    vary = vary_names(by_name.get("vary", ()))
    if "*" in vary:
        return "vary"
    is_shared = any(each in directives for each in ("public", "s-maxage", "must-revalidate")) or rules.shared
    if has_credentials(request) and not is_shared:
        return "authorization"
    reads = reads_for(request)
    if not rules.shared:
        reason = reads_user(request, vary)
        if reason is not None:
            return reason
    vary = tuple(sorted({*vary, *reads.fields}))  # a typed handler that takes a field depends on it
    made, lifetime = _times(status, by_name, directives, rules, now)
    stale_allowed = not ("must-revalidate" in directives or "proxy-revalidate" in directives)
    by_default = 0 if "s-maxage" in directives else 1  # s-maxage implies proxy-revalidate, but for explicit directives
    fresh_until = made + lifetime
    stale = []
    for name, default in (
        ("stale-while-revalidate", rules.stale_while_revalidate),
        ("stale-if-error", rules.stale_if_error),
    ):
        seconds = seconds_of(directives, name)
        stale.append(fresh_until + (default * by_default if seconds is None else seconds) * stale_allowed)
    if max(fresh_until, *stale) <= now:
        return "expired" if lifetime else "no-lifetime"
    kept = _kept_fields(lines, by_name)
    if "date" not in by_name:
        kept = (*kept, ("date", http_date(now)))
    return Storable(kept, vary, made, fresh_until, stale[0], stale[1], is_shared)


def reads_user(request: Request, vary: Sequence[str]) -> Refusal | None:
    """Why a response may depend on the user: what code has read of the request. None if it has read nothing such."""
    state = request.state
    if request.has_used_session:
        return "session"
    if getattr(state, "user", None) is not None:
        return "user"
    if getattr(getattr(state, "authentication", None), "identity", None) is not None:
        return "user"
    reads = reads_for(request)
    if "cookie" not in vary and (request.has_parsed_cookies or reads.cookies):
        return "cookies"
    return "provider" if reads.anything else None


def has_nonce(request: Request, body: bytes | str) -> bool:
    """Whether a body has the nonce of `security_headers`, which is valid for one response."""
    nonce = getattr(request.state, "csp_nonce", None)
    if not isinstance(nonce, str) or not nonce:
        return False
    return nonce in body if isinstance(body, str) else nonce.encode("utf-8") in body


def stored_response(
    request: Request, response: Response, body: bytes | str, about: Storable, labels: tuple[str, ...]
) -> StoredResponse:
    """The response as it is stored. It gets an ETag if it has none."""
    fields = about.fields
    if response.status == 200 and "etag" not in dict(fields) and body:
        fields = (*fields, ("etag", _entity_tag(request, response, body, dict(fields))))
    if isinstance(body, str):
        body = encode(body, codec_for(response.headers.content_type()))
    times = (about.made, about.fresh_until, about.revalidate_until, about.error_until)
    return StoredResponse(response.status, fields, body, *times, about.shared, labels)


def _entity_tag(request: Request, response: Response, body: bytes | str, fields: dict[str, str]) -> str:
    """The tag that the middleware `conditional` makes; for a stream, and for JSON that it cannot encode, another."""
    if body is response.body:
        with suppress(HandlerError):
            tag = entity_tag(request, response, fields, _TAGS)
            if tag is not None:
                return tag
    return digest_tag(octets(body))


def _times(
    status: int, by_name: Mapping[str, list[str]], directives: Directives, rules: Rules, now: float
) -> tuple[float, float]:
    """When the response was made, and the seconds for which it is fresh from then on (RFC 9111, sections 4.2.1 and
    4.2.3)."""
    date = _date(by_name, "date", now)
    age = delta_seconds(by_name["age"][0]) if "age" in by_name else None
    made = now - max(age or 0, 0 if date is None else max(0, int(now) - date))
    for name in ("s-maxage", "max-age"):
        seconds: Any = seconds_of(directives, name)
        if seconds is not None:
            return made, seconds
    if "expires" in by_name:
        expires = _date(by_name, "expires", now)
        return made, 0 if expires is None else max(0, expires - (int(now) if date is None else date))
    if rules.seconds is not None and status in rules.statuses:
        return now, rules.seconds
    return made, 0


def _date(by_name: Mapping[str, list[str]], name: str, now: float) -> int | None:
    return parse_http_date(by_name[name][0], now) if name in by_name else None


def _kept_fields(lines: Sequence[tuple[str, str]], by_name: Mapping[str, list[str]]) -> tuple[tuple[str, str], ...]:
    named = {each.strip().lower() for value in by_name.get("connection", ()) for each in value.split(",")}
    return tuple(line for line in lines if line[0] not in _OF_CONNECTION and line[0] not in named)
