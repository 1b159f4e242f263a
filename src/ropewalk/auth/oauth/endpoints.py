"""A provider's endpoints, and the metadata that name them (OpenID Connect Discovery 1.0, section 3; RFC 8414)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ropewalk.auth.oauth.options import OAuth2LoginOptions, OpenIDConnectOptions
from ropewalk.auth.provider_http import FetchFailed, fetch_json, is_secure_url
from ropewalk.auth.refreshed import Refreshed
from ropewalk.clocks import monotonic

_DESCRIPTION: Final = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """The URLs of a provider's endpoints, and how the provider behaves there."""

    issuer: str | None
    """The required value of `iss` in the provider's responses; None if it is unknown."""
    names_issuer: bool = False
    """Whether the provider always sends `iss` (RFC 9207)."""
    authorization: str
    token: str
    keys: str | None = None
    userinfo: str | None = None
    end_session: str | None = None
    client_authentication: tuple[str, ...] = ()
    """The client authentication methods that the metadata list for the token endpoint; empty if they list none."""


@dataclass(frozen=True, slots=True)
class _Times:
    """Determines when metadata are fetched. The intervals are long, because metadata change rarely."""

    url: str
    timeout: float
    refresh_interval: float = 3600.0
    minimum_interval: float = 10.0
    longest_use: float = 86400.0


class DiscoveredEndpoints(Refreshed[Endpoints]):
    """The endpoints in an issuer's metadata, which are fetched in a thread and kept."""

    def __init__(self, options: OpenIDConnectOptions, clock: Callable[[], float] = monotonic) -> None:
        url = options.issuer.rstrip("/") + _DESCRIPTION

        def load() -> Endpoints:
            """Fetch the metadata, in a thread. Raises FetchFailed."""
            return described(fetch_json(url, timeout=options.timeout, body_limit=options.body_limit), options.issuer)

        super().__init__(_Times(url, options.timeout), "RW245", load, clock)


def described(document: Any, issuer: str) -> Endpoints:
    """The endpoints in decoded metadata. Raises FetchFailed if they are unusable or from another issuer."""
    if not isinstance(document, dict):
        raise FetchFailed("The provider metadata are not a JSON object.")
    if document.get("issuer") != issuer:  # Discovery 1.0, section 4.3: the issuer must be identical
        raise FetchFailed(f"The provider metadata names another issuer, {document.get('issuer')!r}.")
    methods = document.get("token_endpoint_auth_methods_supported")
    return Endpoints(
        issuer=issuer,
        names_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        authorization=_url(document, "authorization_endpoint"),
        token=_url(document, "token_endpoint"),
        keys=_url(document, "jwks_uri"),
        userinfo=_optional_url(document, "userinfo_endpoint"),
        end_session=_optional_url(document, "end_session_endpoint"),
        client_authentication=tuple(map(str, methods)) if isinstance(methods, list) else (),
    )


def configured(options: OAuth2LoginOptions) -> Endpoints:
    """The endpoints that the options name."""
    return Endpoints(
        issuer=options.issuer,
        authorization=options.authorization_url,
        token=options.token_url,
        userinfo=options.userinfo_url,
    )


def _url(document: dict[str, Any], name: str) -> str:
    found = _optional_url(document, name)
    if found is None:
        raise FetchFailed(f"The description has no {name}.")
    return found


def _optional_url(document: dict[str, Any], name: str) -> str | None:
    found = document.get(name)
    if found is not None and not is_secure_url(found):
        raise FetchFailed(f"The {name} is not an https URL.")
    return None if found is None else str(found)
