"""The order of middleware: middleware that treats each user separately must be inside the middleware that finds the
user.

A middleware object has the attribute `ropewalk_per_user` if it needs the user, and `ropewalk_finds_user` if it finds
the user. The value is the middleware's name for messages; "" counts as absent.

A middleware with the attribute `ropewalk_has_session` adds the cookie of a client's session to responses. A middleware
with the attribute `ropewalk_stores_responses` stores a response, and sends it again to later requests. It must be
inside the middleware with the session: otherwise it would store the cookie, and send it to another client. A middleware
with the attribute `ropewalk_uses_session` reads the session, so it must be inside that middleware, too.

A marker of a parameter or a middleware has the attribute `ropewalk_needs_user` if it fails without a user. Then some
middleware around the handler must find the user.
"""

from collections.abc import Iterable
from typing import Any

from ropewalk.errors import HandlerError, named
from ropewalk.resource import Handler, handlers_below


def check_order(middlewares: Iterable[Any], handler: Any) -> None:
    """Check the order of the middleware around a handler, given outermost first. Raises HandlerError (RW238)."""
    per_user = stores = uses_session = ""
    has_session = False
    for middleware in middlewares:
        owner = getattr(middleware, "__self__", middleware)
        finds_user = getattr(owner, "ropewalk_finds_user", "")
        if per_user and finds_user:
            what = f"{per_user} is outside of {finds_user}, around {named(handler)}."
            function = "" if per_user == stores == "a cache" else f", or give {per_user} a function"
            raise HandlerError("RW238", what, f"Put {finds_user} before {per_user}{function}.")
        sessions = getattr(owner, "ropewalk_has_session", "")
        if stores and sessions:
            what = f"{stores} is outside of {sessions}, around {named(handler)}, so it would repeat a session's cookie."
            raise HandlerError("RW238", what, f"Put {sessions} before {stores}.")
        if uses_session and sessions and not has_session:
            what = f"{uses_session} is outside of {sessions}, around {named(handler)}, so it has no session."
            raise HandlerError("RW238", what, f"Put {sessions} before {uses_session}.")
        has_session = has_session or bool(sessions)
        uses_session = getattr(owner, "ropewalk_uses_session", "") or uses_session
        per_user = getattr(owner, "ropewalk_per_user", "") or per_user
        stores = getattr(owner, "ropewalk_stores_responses", "") or stores


def check_user_is_found(middlewares: Iterable[Any], handler: Handler) -> None:
    """Raises HandlerError (RW241) for a handler that needs the user, if no middleware around it can find the user.

    Any middleware of the application is enough, because it may find the user in its own way.
    """
    around = [getattr(each, "__self__", each) for each in middlewares]
    markers = [] if handler.plan is None else [each.marker for each in handler.plan.inputs]
    if not any(getattr(each, "ropewalk_needs_user", False) for each in (*markers, *around)):
        return
    for each in around:
        module = getattr(each, "__module__", None) or ""
        if hasattr(each, "ropewalk_finds_user") or module.partition(".")[0] != __name__.partition(".")[0]:
            return
    raise HandlerError("RW241", f"{named(handler.user_code or handler.call)} needs a principal.")


def check_orders(root: Any) -> None:
    """Check the middleware around every handler of an App and of its mounts. Raises HandlerError (RW238, RW241)."""
    for handler, apps in handlers_below(root.resource):
        around = [*(each for app in apps for each in app.middlewares), *handler.middleware]
        check_order(around, handler.call)
        check_user_is_found(around, handler)
