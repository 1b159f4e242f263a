"""`Login`, the kept data about a user who has logged in, and `LoginStore`, which keeps logins."""

from typing import Any, Protocol

from msgspec import Struct

from ropewalk.request import Request
from ropewalk.response import Response


class Login(Struct, frozen=True):
    """The data about a user who has logged in. A store can encode them as JSON."""

    claims: dict[str, Any]
    """The claims that the options name, with `sub` and `iss`."""
    scopes: tuple[str, ...]
    """The scopes that the provider has granted."""
    expires: float
    """When the login expires: a Unix time in seconds."""


class LoginStore(Protocol):
    """Keeps logins, for example in your sessions. `save`, `load` and `forget` are coroutine functions."""

    async def save(self, request: Request, response: Response, login: Login) -> None:
        """Keep a login for the client. Start a new session for it, because others may know the earlier session's id."""

    async def load(self, request: Request) -> Login | None:
        """The login of a client; None if it has none. An expired login may be returned too."""

    async def forget(self, request: Request, response: Response) -> None:
        """Forget the login of a client."""

    def description(self) -> dict[str, Any]:
        """The Security Scheme Object of OpenAPI, such as `{"type": "apiKey", "in": "cookie", "name": "session"}`."""
