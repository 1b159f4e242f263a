"""The tokens that a provider issues."""

from dataclasses import dataclass, field
from typing import Any

from ropewalk.auth.identity import words
from ropewalk.auth.provider_http import FetchFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The response of the token endpoint (RFC 6749, section 5.1). Its repr has no tokens, so that logs have none."""

    access_token: str = field(repr=False)
    """The token for the provider's APIs. Send it as `Authorization: Bearer`."""
    scopes: frozenset[str] = frozenset()
    """The scopes that the access token allows."""
    expires_in: float | None = None
    """Seconds until the access token expires; None if the provider does not state it."""
    refresh_token: str | None = field(default=None, repr=False)
    """The token with which to get new access tokens; None if the provider sent none."""
    id_token: str | None = field(default=None, repr=False)
    """The signed token that names the user (OpenID Connect); None if the provider sent none."""
    response: dict[str, Any] = field(default_factory=dict, repr=False)
    """The whole response."""


def tokens_of(document: Any, asked: tuple[str, ...]) -> Tokens:
    """The tokens in a decoded response of the token endpoint. `asked` are the requested scopes.

    Raises FetchFailed if the response is malformed.
    """
    if not isinstance(document, dict):
        raise FetchFailed("The response of the token endpoint is not an object.")
    access_token, kind = document.get("access_token"), document.get("token_type")
    if not isinstance(access_token, str) or not access_token or not access_token.isascii():
        raise FetchFailed("The response of the token endpoint has no access token.")
    if not access_token.isprintable() or " " in access_token:
        raise FetchFailed("The access token has characters that no header field can carry.")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise FetchFailed("The access token is not a bearer token.")
    expires = document.get("expires_in")
    if isinstance(expires, str) and expires.isdecimal() and len(expires) < 16:  # some providers send the number as text
        expires = int(expires)
    is_number = isinstance(expires, int | float) and not isinstance(expires, bool)
    scope = document.get("scope")
    return Tokens(
        access_token=access_token,
        scopes=frozenset(asked) if not scope else words(scope),  # a provider may omit `scope` if it granted all
        expires_in=expires if is_number else None,
        refresh_token=_text(document.get("refresh_token")),
        id_token=_text(document.get("id_token")),
        response=document,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
