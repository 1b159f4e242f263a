"""Users whose passwords, or hashes, a function of the program finds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import UnauthorizedLogin
from zope.interface import implementer

from ropewalk.auth.digest.credentials import DigestCredentials, IDigestCredentials
from ropewalk.auth.identity import checked
from ropewalk.errors import HandlerError, named, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestUser:
    """A user of `DigestAuth`, with a password or with hashes of it. Both are left out of its repr."""

    principal: Any
    """What handlers get, such as the user of the program."""
    password: str | None = field(default=None, repr=False)
    """In clear text."""
    hashes: dict[str, str] = field(default_factory=dict, repr=False)
    """Or its hashes by algorithm, as `digest_hash` makes them: `{"SHA-256": "..."}`."""


@implementer(ICredentialsChecker)
class FoundUsers:
    """A checker of twisted.cred that takes users from a function."""

    credentialInterfaces = (IDigestCredentials,)

    def __init__(self, find: Callable[[str], Any]) -> None:
        self._find = find

    async def requestAvatarId(self, credentials: DigestCredentials) -> Any:  # type: ignore[override] # awaited too
        """The principal of the user. Raises UnauthorizedLogin."""
        user = await checked(self._find, credentials.name)
        if user is not None and not isinstance(user, DigestUser):
            what = f"{named(self._find)} returned {shown(user)} to DigestAuth."
            raise HandlerError("RW242", what, "Return a DigestUser, or None for an unknown name.")
        known = user or DigestUser(principal=None, password=token_hex())  # the same work without such a user
        if known.password is not None:
            is_right = credentials.checkPassword(known.password.encode())
        else:
            is_right = credentials.checkHash(known.hashes.get(credentials.algorithm, "").encode())
        if user is None or not is_right:
            raise UnauthorizedLogin
        return user.principal
