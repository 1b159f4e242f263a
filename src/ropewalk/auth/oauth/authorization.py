"""The authorization request and the authorization response (RFC 6749, sections 4.1.1 and 4.1.2)."""

from typing import Final, Never

from ropewalk.auth.oauth.endpoints import Endpoints
from ropewalk.auth.oauth.options import LoginSchemeOptions
from ropewalk.auth.oauth.pending_logins import PendingLogin
from ropewalk.auth.packages import optional
from ropewalk.auth.secrets import same_secret
from ropewalk.errors import HTTPError
from ropewalk.request import Request

_LONGEST: Final = 4096
"""The maximum length in characters of a parameter of the authorization response."""
_PARAMETERS: Final = ("code", "error", "iss", "state")
_INTERACTIONS: Final = {
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "login_required",
}
_MISTAKES: Final = {"invalid_request", "invalid_scope", "unauthorized_client", "unsupported_response_type"}
"""Errors that are caused by this site, or by its registration at the provider."""


def authorization_url(endpoints: Endpoints, options: LoginSchemeOptions, login: PendingLogin, *, nonce: bool) -> str:
    """The provider's URL at which the user logs in, with a PKCE challenge by S256 (RFC 7636)."""
    parameters = optional("authlib.oauth2.rfc6749.parameters", "Authlib", "A login", extra="oauth")
    pkce = optional("authlib.oauth2.rfc7636", "Authlib", "A login", extra="oauth")
    more = {"nonce": login.nonce} if nonce else {}
    url: str = parameters.prepare_grant_uri(
        endpoints.authorization,
        options.client_id,
        "code",
        options.redirect_uri,
        " ".join(options.scopes),
        login.state,
        code_challenge=pkce.create_s256_code_challenge(login.verifier),
        code_challenge_method="S256",
        **more,
        **options.authorization_parameters,
    )
    return url


def response_parameters(request: Request) -> dict[str, str]:
    """The parameters of the authorization response.

    Raises HTTPError 400 if a parameter is repeated or too long, or if `state` is missing.
    """
    found = {}
    for name in _PARAMETERS:
        given = request.query.all(name)
        if len(given) > 1 or (given and len(given[0]) > _LONGEST):
            raise HTTPError(400, f"The parameter {name} is repeated or too long.")
        if given:
            found[name] = given[0]
    if not found.get("state"):
        raise HTTPError(400, "The parameter state is missing. Log in again.")
    return found


def code_of(parameters: dict[str, str], endpoints: Endpoints) -> str:
    """The code in an authorization response.

    Raises HTTPError if the response comes from another provider (RFC 9207), has an error, or has no code.
    """
    issuer = parameters.get("iss")
    if issuer is None:
        is_ours = not endpoints.names_issuer
    else:
        is_ours = endpoints.issuer is None or same_secret(issuer, endpoints.issuer)
    if not is_ours:
        raise HTTPError(400, "The response comes from another login service.")
    if "error" in parameters:
        _refuse(parameters["error"])
    code = parameters.get("code", "")
    if not code or not code.isascii() or not code.isprintable():
        raise HTTPError(400, "The response has no code. Log in again.")
    return code


def _refuse(error: str) -> Never:
    """Raise the HTTPError for an error that the provider reports (RFC 6749, section 4.1.2.1).

    An attacker can make a link with any error and any description. So neither is logged, and only known errors are
    shown.
    """
    if error == "access_denied":
        raise HTTPError(403, "The login was cancelled, or the login service denied it.")
    if error in _INTERACTIONS:
        raise HTTPError(403, "The login service must first ask the user for something. Log in again.")
    if error == "temporarily_unavailable":
        raise HTTPError(503, "The login service is not available. Try again later.", {"retry-after": "10"})
    if error in _MISTAKES:
        raise HTTPError(502, f"The login service refused the request from this site: {error}.")
    raise HTTPError(502, "The login service could not complete the login. Try again later.")
