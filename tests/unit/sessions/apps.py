"""The app that the tests of sessions use."""

from typing import Any

from ropewalk import App, HTTPError, Request
from ropewalk.sessions import SessionsOptions, login, logout, sessions
from ropewalk.testing import Client

OWN = {"sec-fetch-site": "same-origin"}
"""The header field with which a browser sends the forms of a page of the site."""


def site(options: SessionsOptions) -> App:
    """An app whose paths change the session."""
    app = App(middleware=[sessions(options)])

    @app.get("/")
    def show(request: Request) -> dict[str, Any]:
        return {"values": dict(request.session), "user": request.session.user}

    @app.get("/unread")
    def unread() -> str:
        return "unread"

    @app.post("/set/{name}/{value}")
    def set_value(request: Request, name: str, value: str) -> str:
        request.session[name] = value
        return "set"

    @app.post("/append/{name}/{value}")
    def append(request: Request, name: str, value: str) -> str:
        request.session.setdefault(name, []).append(value)
        return "appended"

    @app.post("/delete/{name}")
    def delete(request: Request, name: str) -> str:
        del request.session[name]
        return "deleted"

    @app.post("/fail/{name}")
    def fail(request: Request, name: str) -> str:
        request.session[name] = "failed"
        raise HTTPError(500)

    @app.post("/login/{user}")
    def log_in(request: Request, user: str) -> str:
        login(request, user)
        return "in"

    @app.post("/logout")
    def log_out(request: Request) -> str:
        logout(request)
        return "out"

    @app.post("/rotate")
    def rotate(request: Request) -> str:
        request.session.rotate()
        return "rotated"

    return app


def browser(app: App, **more: Any) -> Client:
    """A client that speaks HTTPS and sends forms as a browser does."""
    return Client(app, secure=True, headers=OWN, **more)
