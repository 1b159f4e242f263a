"""Whether something is an ASGI application, as far as that can be seen from outside."""

from inspect import isclass, signature
from typing import Any, Final

from ropewalk.errors import HostedError, named, shown

_TAKES: Final = (
    (2, "takes two arguments", "That is WSGI: serve it by ropewalk.wsgi."),
    (0, "takes no arguments", "If it makes the application, call it: asgi(make_app())."),
)
_LEGACY: Final = "That is ASGI 2: wrap it in asgiref.compatibility.guarantee_single_callable."


def check(application: Any) -> None:
    """Raises HostedError (RW715) for what cannot be called with a scope, `receive` and `send`."""
    if not callable(application):
        raise HostedError("RW715", f"{shown(application)} cannot be called.")
    if _binds(application, 3):
        return
    if isclass(application) and _binds(application, 1):
        raise HostedError("RW715", f"{named(application)} takes the scope alone.", _LEGACY)
    for count, what, remedy in _TAKES:
        if _binds(application, count):
            raise HostedError("RW715", f"{named(application)} {what}.", remedy)
    raise HostedError("RW715", f"{named(application)} does not take a scope, receive and send.")


def _binds(application: Any, count: int) -> bool:
    try:
        signature(application).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:
        return True  # what is not written in Python may have no signature
    return True
