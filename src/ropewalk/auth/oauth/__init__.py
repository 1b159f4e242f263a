"""Logins at another site: the authorization code flow of OAuth 2.0 with PKCE, and OpenID Connect.

    login = OpenIDConnect(OpenIDConnectOptions(issuer="https://login.example", client_id="hotel", ...))
    app = App(middleware=[authenticate(login, optional=True)])
    app.mount("/auth", login.routes)

`LoginScheme` is the base class of both kinds of login, and has the flow. Authlib implements the parts of the protocol
that need no network.
"""

from ropewalk.auth.oauth.cookie_logins import CookieLogins
from ropewalk.auth.oauth.introspection import TokenIntrospection, TokenIntrospectionOptions
from ropewalk.auth.oauth.login_scheme import LoginScheme
from ropewalk.auth.oauth.logins import Login, LoginStore
from ropewalk.auth.oauth.oauth2_bearer import AuthorizationCode, OAuth2
from ropewalk.auth.oauth.oauth2_login import OAuth2Login
from ropewalk.auth.oauth.openid_connect import OpenIDConnect
from ropewalk.auth.oauth.options import LoginSchemeOptions, OAuth2LoginOptions, OpenIDConnectOptions
from ropewalk.auth.oauth.tokens import Tokens

__all__ = [
    "AuthorizationCode",
    "CookieLogins",
    "Login",
    "LoginScheme",
    "LoginSchemeOptions",
    "LoginStore",
    "OAuth2",
    "OAuth2Login",
    "OAuth2LoginOptions",
    "OpenIDConnect",
    "OpenIDConnectOptions",
    "TokenIntrospection",
    "TokenIntrospectionOptions",
    "Tokens",
]
