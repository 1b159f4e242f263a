"""Users who log in with an OpenID Connect provider: `ropewalk run examples/openid_login.py`.

Register a client with the redirect URI at your provider. Set ISSUER, CLIENT_ID and CLIENT_SECRET to its values.
"""

import os
from dataclasses import dataclass
from typing import Annotated, Any

from ropewalk import App, Response
from ropewalk.auth import OpenIDConnect, OpenIDConnectOptions, Principal, authenticate, requires


@dataclass(frozen=True)
class User:
    """A user who has logged in."""

    subject: str
    name: str
    roles: frozenset[str]


def load_user(claims: dict[str, Any]) -> User:
    """Make the user from the claims of the provider."""
    name = str(claims.get("name") or claims["sub"])
    return User(claims["sub"], name, frozenset(claims.get("roles", ())))


login = OpenIDConnect(
    OpenIDConnectOptions(
        issuer=os.environ.get("ISSUER", "http://127.0.0.1:9000"),
        client_id=os.environ.get("CLIENT_ID", "hotel"),
        client_secret=os.environ.get("CLIENT_SECRET"),
        redirect_uri=os.environ.get("REDIRECT_URI", "http://localhost:8080/auth/callback"),
        secret=os.environ.get("COOKIE_SECRET") or os.urandom(32),
        load=load_user,
    )
)

app = App(middleware=[login.redirect_to_login, authenticate(login, optional=True)])
app.mount("/auth", login.routes)


@app.get("/")
def home(user: Annotated[User | None, Principal()]) -> Response:
    """A page for all clients."""
    if user is None:
        return Response.html('<a href="/auth/login">Log in</a>')
    return Response.html('<form method="post" action="/auth/logout"><button>Log out</button></form>')


@app.get("/bookings")
def bookings(user: Annotated[User, Principal()]) -> str:
    """A page for users only. A browser without a login is redirected to the provider first."""
    return f"The bookings of {user.name}"


@app.get("/rooms")
@requires(role="clerk")
def rooms() -> list[str]:
    """A page for users whose claim `roles` contains `clerk`."""
    return ["12a", "12b"]
