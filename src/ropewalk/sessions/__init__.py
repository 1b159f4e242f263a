"""Sessions of browsers: values from one request to the next, flash messages, logins, and protection from CSRF.

    app = App(middleware=[sessions(SessionsOptions(store=SQLiteSessions("sessions.db")))])

    @app.post("/cart/{item}")
    def add(request, item):
        request.session["cart"] = [*request.session.get("cart", []), item]

The stores are in `ropewalk.stores`.
"""

from ropewalk.sessions.csrf import csrf
from ropewalk.sessions.csrf_options import CSRFOptions
from ropewalk.sessions.csrf_token import csrf_token
from ropewalk.sessions.flash import Flash, flash, flashes
from ropewalk.sessions.login_page import safe_redirect
from ropewalk.sessions.login_throttle import LoginThrottle, LoginThrottleOptions
from ropewalk.sessions.logins import is_remembered, log_out_everywhere, login, logout
from ropewalk.sessions.openid_connect_logins import SessionLogins
from ropewalk.sessions.options import SessionsOptions
from ropewalk.sessions.session import Session
from ropewalk.sessions.session_auth import SessionAuth
from ropewalk.sessions.sessions import sessions

__all__ = [
    "CSRFOptions",
    "Flash",
    "LoginThrottle",
    "LoginThrottleOptions",
    "Session",
    "SessionAuth",
    "SessionLogins",
    "SessionsOptions",
    "csrf",
    "csrf_token",
    "flash",
    "flashes",
    "is_remembered",
    "log_out_everywhere",
    "login",
    "logout",
    "safe_redirect",
    "sessions",
]
