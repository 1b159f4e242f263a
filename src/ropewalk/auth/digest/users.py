"""Users of `DigestAuth`, which a function of your application finds by their names."""

from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import UnauthorizedLogin
from zope.interface import implementer

from ropewalk.auth.digest.credentials import DigestCredentials, IDigestCredentials
from ropewalk.auth.option_checks import type_shown
from ropewalk.auth.scheme_functions import SchemeFunction
from ropewalk.errors import HandlerError, named


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestUser:
    """A user of `DigestAuth`, with a password or with hashes of it. The repr shows neither."""

    principal: Any
    """The object that handlers get, such as a user of your application."""
    password: str | None = field(default=None, repr=False)
    """The password in clear text. If it is None, `hashes` is used."""
    hashes: dict[str, str] = field(default_factory=dict, repr=False)
    """The hashes of the password by algorithm, made by `digest_hash`: `{"SHA-256": "..."}`."""


@implementer(ICredentialsChecker)
class FoundUsers:
    """A checker for twisted.cred that gets users from a function."""

    credentialInterfaces = (IDigestCredentials,)

    def __init__(self, find: SchemeFunction) -> None:
        self._find = find

    async def requestAvatarId(self, credentials: DigestCredentials) -> Any:  # type: ignore[override] # awaited
        """The principal of the user. Raises UnauthorizedLogin for an unknown name or a wrong password."""
        user = await self._find.principal(credentials.request, credentials.name)
        if user is not None and not isinstance(user, DigestUser):
            what = f"{named(self._find.function)} returned {type_shown(user)} to DigestAuth."
            raise HandlerError("RW242", what, "Return a DigestUser, or None for an unknown name.")
        # For an unknown name, the check takes as long as for a known one.
        known = user or DigestUser(principal=None, password=token_hex())
        if known.password is not None:
            is_right = credentials.checkPassword(known.password.encode())
        else:
            is_right = credentials.checkHash(known.hashes.get(credentials.algorithm, "").encode())
        if user is None or not is_right:
            raise UnauthorizedLogin
        return user.principal
