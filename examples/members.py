"""A site with users who log in: sessions, flash messages, remembered browsers, and throttled guesses of passwords.

Run it with `ropewalk run examples/members.py`, and open http://127.0.0.1:8080/. Log in as ada with the password rope.
"""

from html import escape
from typing import Annotated

from ropewalk import App, Form, Request, Response
from ropewalk.auth import Principal, authenticate, requires, verify_password
from ropewalk.sessions import (
    LoginThrottle,
    SessionAuth,
    SessionsOptions,
    csrf_token,
    flash,
    flashes,
    log_out_everywhere,
    login,
    logout,
    safe_redirect,
    sessions,
)
from ropewalk.stores import MemorySessions

USERS = {
    "ada": "$argon2id$v=19$m=65536,t=3,p=4$3ADrApib4HESEcKGuXI+2A$SLxWTzkqbFtUNBCS5XddC9K14uIkcgPYG7LCDcLcYvw",
}
"""The hash of each user's password, made with `hash_password`. Keep them in a database."""

app = App(
    middleware=[
        sessions(SessionsOptions(store=MemorySessions(), insecure_localhost=True)),
        authenticate(SessionAuth(), optional=True),
    ]
)
throttle = LoginThrottle()

FORM = """
<form method="post">
  <input type="hidden" name="csrf_token" value="{token}">
  <label>Name <input name="name" autocomplete="username"></label>
  <label>Password <input name="password" type="password" autocomplete="current-password"></label>
  <label><input name="remember" type="checkbox"> Remember me</label>
  <button>Log in</button>
</form>
"""


def page(request: Request, content: str) -> Response:
    """A page with the messages that wait."""
    messages = "".join(f"<p class={each.category}>{escape(each.text)}</p>" for each in flashes(request))
    return Response.html(f"<!doctype html><title>Members</title>{messages}{content}")


@app.get("/login")
def show_login(request: Request) -> Response:
    """The form."""
    return page(request, FORM.format(token=csrf_token(request)))


@app.post("/login")
async def log_in(
    request: Request,
    name: Annotated[str, Form()],
    password: Annotated[str, Form()],
    remember: Annotated[bool, Form()] = False,
) -> Response:
    """Check the password, and return to the page before."""
    await throttle.take(request, name)
    if not await verify_password(password, USERS.get(name)):
        flash(request, "The name or the password is wrong.", "error")
        return page(request, FORM.format(token=csrf_token(request)))
    login(request, name, remember=remember)
    flash(request, f"Welcome, {name}.")
    return safe_redirect(request, default="/")


@app.get("/")
@requires()
def home(request: Request, user: Annotated[str, Principal()]) -> Response:
    """A page for users. A browser without a login is redirected to the login page."""
    token = csrf_token(request)
    hidden = f'<input type="hidden" name="csrf_token" value="{token}">'
    buttons = f'<form method="post" action="/logout">{hidden}<button>Log out</button></form>'
    return page(request, f"<h1>{escape(user)}</h1>{buttons}")


@app.post("/logout")
def log_out(request: Request) -> Response:
    """Log out of this browser."""
    logout(request)
    return Response.redirect("/login", 303)


@app.post("/logout-everywhere")
@requires()
async def log_out_of_all(request: Request) -> Response:
    """Log out of all browsers, for example after the password was stolen."""
    await log_out_everywhere(request)
    return Response.redirect("/login", 303)
