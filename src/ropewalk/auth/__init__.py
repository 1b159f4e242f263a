"""Authentication: finds out which client sends a request, and what this client may do.

    app = App(middleware=[authenticate(BasicAuth(check))])

`authenticate` finds the principal with one of several schemes; `requires` and `Principal` use this principal. There is
no global state: each scheme keeps its own state.
"""

from ropewalk.auth.api_key import APIKey
from ropewalk.auth.authenticating import Authenticate, authenticate
from ropewalk.auth.basic import BasicAuth
from ropewalk.auth.bearer_jwt import BearerJWT, TokenPrincipal
from ropewalk.auth.challenges import Challenge
from ropewalk.auth.cred import CredAuth
from ropewalk.auth.digest import DigestAuth, DigestAuthOptions, DigestUser, digest_hash
from ropewalk.auth.forbidden import NotAllowed
from ropewalk.auth.identity import Authentication, Identity
from ropewalk.auth.jwt_options import JWKS, BearerJWTOptions
from ropewalk.auth.oauth import (
    AuthorizationCode,
    CookieLogins,
    Login,
    LoginScheme,
    LoginSchemeOptions,
    LoginStore,
    OAuth2,
    OAuth2Login,
    OAuth2LoginOptions,
    OpenIDConnect,
    OpenIDConnectOptions,
    TokenIntrospection,
    TokenIntrospectionOptions,
    Tokens,
)
from ropewalk.auth.passwords import Passwords, PasswordsOptions, hash_password, needs_rehash, verify_password
from ropewalk.auth.principal import Principal, principal_of
from ropewalk.auth.requiring import REQUIREMENTS, Requirement, requires
from ropewalk.auth.scheme import Scheme
from ropewalk.auth.secrets import same_secret
from ropewalk.auth.token_issuer import TokenIssuer
from ropewalk.auth.unauthorized import NotAuthenticated, Refused
from ropewalk.errors import MissingPackage

__all__ = [
    "JWKS",
    "REQUIREMENTS",
    "APIKey",
    "Authenticate",
    "Authentication",
    "AuthorizationCode",
    "BasicAuth",
    "BearerJWT",
    "BearerJWTOptions",
    "Challenge",
    "CookieLogins",
    "CredAuth",
    "DigestAuth",
    "DigestAuthOptions",
    "DigestUser",
    "Identity",
    "Login",
    "LoginScheme",
    "LoginSchemeOptions",
    "LoginStore",
    "MissingPackage",
    "NotAllowed",
    "NotAuthenticated",
    "OAuth2",
    "OAuth2Login",
    "OAuth2LoginOptions",
    "OpenIDConnect",
    "OpenIDConnectOptions",
    "Passwords",
    "PasswordsOptions",
    "Principal",
    "Refused",
    "Requirement",
    "Scheme",
    "TokenIntrospection",
    "TokenIntrospectionOptions",
    "TokenIssuer",
    "TokenPrincipal",
    "Tokens",
    "authenticate",
    "digest_hash",
    "hash_password",
    "needs_rehash",
    "principal_of",
    "requires",
    "same_secret",
    "verify_password",
]

for _class in (MissingPackage, NotAllowed, NotAuthenticated, Refused):
    _class.__module__ = __name__  # users import the classes from this module
