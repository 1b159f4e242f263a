"""Checks the claims of a token: its times, its issuer and its audience (RFC 7519, section 4.1)."""

from math import inf
from typing import Any, Final

from ropewalk.auth.jwt_options import BearerJWTOptions
from ropewalk.auth.jwt_tokens import refused
from ropewalk.errors import shown

_END_OF_TIME: Final = 2**53
"""The largest time that a claim may have. Larger numbers, and NaN, are refused."""


def check_claims(claims: dict[str, Any], options: BearerJWTOptions, now: float) -> tuple[float, float]:
    """Check the claims of a token. Returns the times when it becomes valid and when it expires, without the leeway.

    Raises Refused for a token that is expired, not yet valid, from another issuer or for another audience.
    """
    missing = [name for name in options.required if claims.get(name) is None]
    if missing:
        raise refused(f"it lacks the claim {missing[0]}, which is required")
    expires, begins, issued = (_moment(claims, name) for name in ("exp", "nbf", "iat"))
    for name, moment in (("nbf", begins), ("iat", issued)):
        if moment is not None and moment > now + options.leeway:
            raise refused(f"its claim {name} is {moment - now:.0f} s in the future")
    if options.issuer is not None and claims.get("iss") not in _several(options.issuer):
        raise refused(f"its issuer (iss) is {shown(claims.get('iss'))}, not {shown(options.issuer)}")
    if options.audience is not None:
        audience = claims.get("aud")
        given = audience if isinstance(audience, list) else [audience]
        if not any(isinstance(each, str) and each in _several(options.audience) for each in given):
            raise refused(f"its audience (aud) is {shown(audience)}, not {shown(options.audience)}")
    if expires is not None and expires <= now - options.leeway:
        raise refused(f"it expired {now - expires:.0f} s ago (exp)", "expired")
    begins = max((each for each in (begins, issued) if each is not None), default=-inf)
    return begins, inf if expires is None else expires


def _several(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _moment(claims: dict[str, Any], name: str) -> float | None:
    """The time in a claim (NumericDate, RFC 7519); None if it is missing. Raises Refused for any other value."""
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _END_OF_TIME:
        raise refused(f"its claim {name} is {shown(value)}, which is not a time")
    return value
