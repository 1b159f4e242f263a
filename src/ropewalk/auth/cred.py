"""`CredAuth`: authentication with the checkers and portals of twisted.cred."""

from collections.abc import Callable
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import LoginFailed, UnauthorizedLogin
from twisted.cred.portal import Portal
from zope.interface import providedBy

from ropewalk.auth.basic import name_and_password
from ropewalk.auth.challenges import Challenge
from ropewalk.auth.identity import Identity, checked, identity_for
from ropewalk.auth.option_checks import check_called_with, type_shown
from ropewalk.auth.scheme import Scheme
from ropewalk.auth.scheme_functions import SchemeFunction
from ropewalk.auth.unauthorized import Refused
from ropewalk.errors import OptionError
from ropewalk.request import Request


class CredAuth(Scheme):
    """Authentication with a Portal of twisted.cred, or with one or more of its checkers.

    With checkers, the principal is the avatar id. With a portal, it is the avatar for the first of the `interfaces`
    that the realm supports, and the portal's logout function is called when the response is complete.

    `credentials(request)` returns the credentials, or None if the request has none; it may be plain, return a Deferred,
    or be a coroutine function. By default the credentials are the name and password of Basic (RFC 7617), as bytes in
    UTF-8. For other credentials, pass a `challenge`, and a `description` for OpenAPI.
    """

    def __init__(
        self,
        *accepting: Any,
        interfaces: tuple[Any, ...] = (),
        credentials: Callable[..., Any] | None = None,
        challenge: Challenge | None = None,
        description: dict[str, Any] | None = None,
        realm: str = "app",
        name: str = "basic",
    ) -> None:
        super().__init__(name, realm)
        self._portal = accepting[0] if len(accepting) == 1 and isinstance(accepting[0], Portal) else None
        if self._portal is None:
            wrong = next((each for each in accepting if not ICredentialsChecker.providedBy(each)), None)
            if wrong is not None or not accepting:
                what = "no checker" if wrong is None else type_shown(wrong)
                raise OptionError(
                    "RW240", f"CredAuth got {what}.", "Give CredAuth one Portal, or one or more checkers."
                )
        elif not interfaces:
            remedy = "Name the interfaces of the avatar: CredAuth(portal, interfaces=(IUser,))."
            raise OptionError("RW240", "CredAuth got a portal without interfaces.", remedy)
        self._checkers = () if self._portal is not None else accepting
        self._interfaces = interfaces
        check_called_with(self, credentials, "a request")
        self._credentials = SchemeFunction(credentials or _basic, 1)
        self._challenge = challenge or Challenge("Basic", (("realm", self.realm), ("charset", "UTF-8")))
        self._description = description or {"type": "http", "scheme": "basic"}

    def challenge(self) -> Challenge:
        """The challenge passed to the constructor; by default `Basic`."""
        return self._challenge

    async def identify(self, request: Request) -> Identity | None:
        """The identity of the avatar; None without credentials. Raises Refused for wrong credentials."""
        credentials = await self._credentials.principal(request, request)
        return None if credentials is None else await self._accept(credentials)

    async def _accept(self, credentials: Any) -> Identity:
        """The identity that the portal or a checker finds for credentials. Raises Refused if they are wrong."""
        if self._portal is not None:
            try:
                _, avatar, logout = await self._portal.login(credentials, None, *self._interfaces)
            except LoginFailed:
                raise Refused(why="the portal refuses them") from None
            found = identity_for(avatar)
            return Identity(avatar, found.scopes, found.roles, logout)
        for checker in self._checkers:
            if any(each in tuple(providedBy(credentials).flattened()) for each in checker.credentialInterfaces):
                try:
                    avatar_id = await checked(checker.requestAvatarId, credentials)
                except UnauthorizedLogin:
                    continue
                if avatar_id is not None:
                    return identity_for(avatar_id)
        raise Refused(why="no checker accepts them")

    def _accepted(self) -> tuple[Any, ...]:
        """The credential interfaces that the portal or the checkers accept."""
        if self._portal is not None:
            return tuple(self._portal.listCredentialsInterfaces())
        return tuple(each for checker in self._checkers for each in checker.credentialInterfaces)

    def openapi(self) -> dict[str, Any]:
        """The description passed to the constructor; by default the description of Basic."""
        return dict(self._description)


def _basic(request: Request) -> UsernamePassword | None:
    given = name_and_password(request)
    return None if given is None else UsernamePassword(*(each.encode() for each in given))
