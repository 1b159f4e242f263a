"""Signing in and out, a page for signed-in users, and a handler with a bug: `ropewalk run examples/sign_in.py`."""

import secrets
from urllib.parse import parse_qs

from ropewalk import App, HTTPError, Request, Response

app = App()
sessions: dict[str, str] = {}
"""The names of users by their session."""


@app.post("/sign-in")
async def sign_in(request: Request) -> Response:
    form = parse_qs(await request.text())
    name, password = (form.get(field, [""])[0] for field in ("name", "password"))
    if not secrets.compare_digest(password.encode(), b"open sesame"):
        raise HTTPError(403, "The password is wrong.")
    session = secrets.token_urlsafe()
    sessions[session] = name
    response = Response.redirect("/", 303)
    response.set_cookie("session", session)
    return response


@app.get("/")
def home(request: Request) -> str:
    name = sessions.get(request.cookies.get("session", ""))
    if name is None:
        raise HTTPError(401, "Sign in first.")
    return f"Hello, {name}!"


@app.post("/sign-out")
def sign_out(request: Request) -> Response:
    sessions.pop(request.cookies.get("session", ""), None)
    response = Response.redirect("/", 303)
    response.delete_cookie("session")
    return response


@app.get("/average")
def average(request: Request) -> dict[str, float]:
    """This handler has a bug: it fails if no user is signed in."""
    return {"letters": sum(map(len, sessions.values())) / len(sessions)}
