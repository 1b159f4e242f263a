"""The order of middleware: middleware that treats each user separately must be inside the middleware that finds the
user.

A middleware object has the attribute `ropewalk_per_user` if it needs the user, and `ropewalk_finds_user` if it finds
the user. The value is the middleware's name for messages, or "". Users' middleware may have any other attributes.
"""

from collections.abc import Iterable
from typing import Any

from ropewalk.errors import HandlerError, named
from ropewalk.resource import handlers_below


def check_order(middlewares: Iterable[Any], handler: Any) -> None:
    """Check the order of the middleware around a handler, given outermost first. Raises HandlerError (RW238)."""
    per_user = ""
    for middleware in middlewares:
        owner = getattr(middleware, "__self__", middleware)
        finds_user = getattr(owner, "ropewalk_finds_user", "")
        if per_user and finds_user:
            what = f"{per_user} is outside of {finds_user}, around {named(handler)}."
            raise HandlerError("RW238", what, f"Put {finds_user} in front of {per_user}, or give that a function.")
        per_user = getattr(owner, "ropewalk_per_user", "") or per_user


def check_orders(root: Any) -> None:
    """Check the middleware around every handler of an App and of its mounts. Raises HandlerError (RW238)."""
    for handler, apps in handlers_below(root.resource):
        check_order([*(each for app in apps for each in app.middlewares), *handler.middleware], handler.call)
