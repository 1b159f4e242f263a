"""The options of `OpenIDConnect` and `OAuth2Login`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from ropewalk.auth.oauth.logins import LoginStore
from ropewalk.auth.oauth.provider_calls import ClientAuthentication
from ropewalk.auth.open_redirects import own_path
from ropewalk.auth.option_checks import check_called_with, check_count, check_seconds, wrong
from ropewalk.auth.provider_http import is_secure_url
from ropewalk.errors import KnownOptions, shown

LEAST_SECRET: Final = 32
"""The minimum size of `secret` in bytes: the size of the hash in a signature."""
_OWN: Final = {
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
}


@dataclass(frozen=True, kw_only=True)
class LoginSchemeOptions(KnownOptions):
    """The options that both kinds of login have. Times are in seconds."""

    client_id: str
    """The id under which your application is registered at the provider."""
    client_secret: str | None = field(default=None, repr=False)
    """The secret that belongs to `client_id`. None for a public client, which has no secret."""
    redirect_uri: str
    """The callback URL, to which the provider redirects browsers, exactly as it is registered there: https, or http on
    this machine. The routes `login` and `logout` have the same path except for its last segment: with
    `https://hotel.example/auth/callback`, mount the routes at `/auth`."""
    secret: str | bytes | tuple[str | bytes, ...] = field(repr=False)
    """Signs the cookies; at least 32 random bytes, the same in all processes. To replace a secret, give a tuple: the
    first secret signs, and signatures made with the others are accepted."""
    scopes: tuple[str, ...] = ()
    """The scopes to request from the provider."""
    authorization_parameters: Mapping[str, str] = field(default_factory=dict)
    """More parameters for the authorization request, such as `{"prompt": "select_account"}`."""
    client_authentication: ClientAuthentication | None = None
    """How the client secret is sent to the token endpoint: `basic` (in the Authorization field), `post` (in the form),
    or `none`. If there is a secret, the default is `basic`, or `post` if the provider's metadata allow only that."""
    after_login: str = "/"
    """The path to redirect to after a login without a valid `next`."""
    after_logout: str = "/"
    """The path to redirect to after a logout."""
    pending_time: float = 600.0
    """The time within which a user must complete a login at the provider."""
    login_time: float = 28800.0
    """The time after which a login expires. A login in a cookie cannot be revoked earlier."""
    load: Callable[..., Any] | None = None
    """A function that takes the kept claims and returns the principal, or None if the user no longer has access. It is
    called for each request, and may be plain, return a Deferred, or be a coroutine function. By default the principal
    is a `TokenPrincipal`."""
    on_login: Callable[..., Any] | None = None
    """A function that is called with the principal and the tokens after each login, before the browser gets a response.
    It may be plain, return a Deferred, or be a coroutine function. Keep the tokens here if you need them. Raise an
    HTTPError to refuse the login."""
    claims: tuple[str, ...] = ("name", "preferred_username", "email", "email_verified")
    """The claims to keep, besides `sub`, `iss` and the roles. A cookie has room for about 3000 bytes."""
    roles_claim: str = "roles"
    """The name of the claim with the roles: a list, or a str with spaces between the roles."""
    store: LoginStore | None = None
    """The store for logins. By default `CookieLogins`, which keeps each login in a signed cookie."""
    timeout: float = 5.0
    """The maximum time for one request to the provider."""
    body_limit: int = 262144
    """The maximum size in bytes of a response from the provider."""

    def __post_init__(self) -> None:
        for name in ("client_id", "redirect_uri"):
            given: Any = getattr(self, name)
            if not isinstance(given, str) or not given or not given.isascii() or not given.isprintable():
                raise wrong(self, f"the {name} {shown(given)}", "Give the value that is registered at the provider.")
        check_called_with(self, self.load, "the claims")
        check_called_with(self, self.on_login, "a principal", "its tokens")
        parts = urlsplit(self.redirect_uri)
        last = parts.path.rpartition("/")[2]
        if not is_secure_url(self.redirect_uri) or parts.query or parts.fragment or last in ("", "login", "logout"):
            remedy = (
                "Give an https URL such as https://hotel.example/auth/callback. http is allowed only on this machine."
            )
            raise wrong(self, f"the redirect_uri {shown(self.redirect_uri)}", remedy)
        secrets: tuple[Any, ...] = self.secret if isinstance(self.secret, tuple) else (self.secret,)
        if not secrets or any(not isinstance(each, str | bytes) or len(each) < LEAST_SECRET for each in secrets):
            remedy = 'Make one with `python -c "import secrets; print(secrets.token_urlsafe(32))"`.'
            raise wrong(self, f"a secret of less than {LEAST_SECRET} bytes", remedy)
        if self.client_authentication not in (None, "basic", "post", "none"):
            what = f"the client_authentication {shown(self.client_authentication)}"
            raise wrong(self, what, 'Use "basic", "post", "none" or None.')
        if self.client_secret is None and self.client_authentication in ("basic", "post"):
            raise wrong(
                self, "no client_secret to authenticate with", "Give client_secret, or leave out client_authentication."
            )
        taken = _OWN.intersection(self.authorization_parameters)
        if taken:
            raise wrong(
                self,
                f"the authorization parameter {min(taken)}, which the login sets itself",
                "Leave out this parameter.",
            )
        if not str(self.authorization_parameters.get("max_age", 0)).isdecimal():
            raise wrong(self, "a max_age that is not a number", "Give whole seconds.")
        check_seconds(self, "pending_time", "login_time", "timeout")
        check_count(self, "body_limit")
        for name in ("after_login", "after_logout"):
            if own_path(getattr(self, name)) is None:
                raise wrong(
                    self,
                    f"the invalid value {name}={shown(getattr(self, name))}",
                    'Give a path of this site, such as "/".',
                )

    @property
    def provider(self) -> str:
        """The claim `iss`, which distinguishes equal subjects of different providers."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class OpenIDConnectOptions(LoginSchemeOptions):
    """Options for an OpenID Connect provider that publishes its metadata (OpenID Connect Discovery 1.0)."""

    issuer: str
    """The issuer URL, exactly as the provider writes it in its tokens, with or without a slash at the end."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    """The scopes to request from the provider. `openid` must be among them."""
    userinfo: bool = False
    """Whether to fetch claims from the UserInfo endpoint too. Some providers put only few claims into the ID token."""
    end_session: bool = False
    """Whether a logout also logs the user out at the provider, if the provider supports that."""
    leeway: float = 30.0
    """The time by which the provider's clock may differ."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_secure_url(self.issuer) or "?" in self.issuer or "#" in self.issuer:
            what = f"the issuer {shown(self.issuer)}"
            raise wrong(self, what, "Give an https URL without a query. http is allowed only on this machine.")
        check_seconds(self, "leeway", zero=True)
        if "openid" not in self.scopes:
            raise wrong(self, f"the scopes {shown(self.scopes)}", 'Add "openid" to the scopes, or use OAuth2Login.')

    @property
    def provider(self) -> str:
        """The issuer, as the claim `iss`."""
        return self.issuer


@dataclass(frozen=True, kw_only=True)
class OAuth2LoginOptions(LoginSchemeOptions):
    """Options for an OAuth 2.0 provider without OpenID Connect.

    If it supports OpenID Connect, use `OpenIDConnectOptions`.
    """

    authorization_url: str
    """The URL at which users log in and allow access."""
    token_url: str
    """The URL at which the code is exchanged for tokens."""
    userinfo_url: str | None = None
    """A URL that returns the user as a JSON object. It is called with the access token."""
    find_user: Callable[..., Any] | None = None
    """A function to use instead of `userinfo_url`. It takes the tokens and returns the claims as a dict, or None to
    refuse the login. It may be plain, return a Deferred, or be a coroutine function."""
    subject_claim: str = "sub"
    """The name of the claim that identifies the user permanently, such as `id`. Never use an email address, or a name
    that users may change."""
    issuer: str | None = None
    """The value of `iss` in the provider's authorization response (RFC 9207). By default, the parameter is not checked,
    and the claim `iss` is the origin of `token_url`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("authorization_url", "token_url", "userinfo_url"):
            given = getattr(self, name)
            if not is_secure_url(given) and (given is not None or name != "userinfo_url"):
                remedy = "Give an absolute https URL. http is allowed only on this machine."
                raise wrong(self, f"the invalid value {name}={shown(given)}", remedy)
        if (self.userinfo_url is None) == (self.find_user is None):
            what = "neither userinfo_url nor find_user, or both"
            raise wrong(self, what, "Give either userinfo_url or find_user.")
        check_called_with(self, self.find_user, "the tokens")

    @property
    def provider(self) -> str:
        """The issuer, or else the origin of the token endpoint, as the claim `iss`."""
        parts = urlsplit(self.token_url)
        return self.issuer or f"{parts.scheme}://{parts.netloc}"
