"""`Login`, what is kept of a user who has logged in, and `LoginStore`, where."""

from typing import Any, Protocol

from msgspec import Struct

from ropewalk.request import Request
from ropewalk.response import Response


class Login(Struct, frozen=True):
    """A user who has logged in. It can be encoded as JSON."""

    claims: dict[str, Any]
    """Those that the options name, with `sub` and `iss`."""
    scopes: tuple[str, ...]
    """What the provider has granted."""
    expires: float
    """A time of Unix, in seconds."""


class LoginStore(Protocol):
    """Where logins are kept, such as the sessions of a program. The methods are coroutine functions."""

    async def save(self, request: Request, response: Response, login: Login) -> None:
        """Keep a login for the client. Give it a new session: one from before the login may be known to others."""

    async def load(self, request: Request) -> Login | None:
        """The login of a client; None if it has none. One that has expired may be returned too."""

    async def forget(self, request: Request, response: Response) -> None:
        """Forget the login of a client."""

    def description(self) -> dict[str, Any]:
        """The Security Scheme Object of OpenAPI, such as `{"type": "apiKey", "in": "cookie", "name": "session"}`."""
