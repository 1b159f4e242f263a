"""Authentication: who sends a request, and what they may do.

    app = App(middleware=[authenticate(BasicAuth(check))])

`authenticate` finds the principal by one of several schemes; `requires` and `Principal` use it. Nothing here is global:
schemes keep what they need.
"""

from ropewalk.auth.api_key import APIKey
from ropewalk.auth.authenticating import Authenticate, authenticate
from ropewalk.auth.basic import BasicAuth
from ropewalk.auth.challenges import Challenge
from ropewalk.auth.identity import Authentication, Identity
from ropewalk.auth.principal import Principal, principal_of
from ropewalk.auth.refusals import NotAllowed, NotAuthenticated, Refused
from ropewalk.auth.requiring import REQUIREMENTS, Requirement, requires
from ropewalk.auth.scheme import Scheme
from ropewalk.auth.secrets import same_secret

__all__ = [
    "REQUIREMENTS",
    "APIKey",
    "Authenticate",
    "Authentication",
    "BasicAuth",
    "Challenge",
    "Identity",
    "NotAllowed",
    "NotAuthenticated",
    "Principal",
    "Refused",
    "Requirement",
    "Scheme",
    "authenticate",
    "principal_of",
    "requires",
    "same_secret",
]

for _class in (value for value in tuple(globals().values()) if isinstance(value, type)):
    _class.__module__ = __name__  # the name that users import
