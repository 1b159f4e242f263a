"""Checks the signature of an ASGI application."""

from inspect import isclass
from typing import Any, Final

from ropewalk.calling.signatures import accepts
from ropewalk.errors import HostedError, named, shown

_TAKES: Final = (
    (2, "takes two arguments", "That is WSGI: serve it by ropewalk.wsgi."),
    (0, "takes no arguments", "If it makes the application, call it: asgi(make_app())."),
)
_LEGACY: Final = "That is ASGI 2: wrap it in asgiref.compatibility.guarantee_single_callable."


def check(application: Any) -> None:
    """Raises HostedError (RW715) for an object that cannot be called with a scope, `receive` and `send`."""
    if not callable(application):
        raise HostedError("RW715", f"{shown(application)} cannot be called.")
    if accepts(application, 3):
        return
    if isclass(application) and accepts(application, 1):
        raise HostedError("RW715", f"{named(application)} takes only the scope.", _LEGACY)
    for count, what, remedy in _TAKES:
        if accepts(application, count):
            raise HostedError("RW715", f"{named(application)} {what}.", remedy)
    raise HostedError("RW715", f"{named(application)} does not take a scope, receive and send.")
