"""The type of WSGI applications, and a check of their signature."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from ropewalk.calling.signatures import accepts
from ropewalk.errors import HostedError, named, shown

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
"""A function that takes the status, the headers and optionally the result of `sys.exc_info()`, and returns `write`."""
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_TAKES: Final = (
    (3, "takes three arguments", "That is ASGI: serve it by ropewalk.asgi."),
    (0, "takes no arguments", "If it makes the application, call it: wsgi(make_app())."),
    (1, "takes one argument", "If it is a handler of Ropewalk, give it a route: @app.get(...)."),
)


def check(application: Any) -> None:
    """Raises HostedError (RW707) for an object that cannot be called with an environ and `start_response`."""
    if not callable(application):
        raise HostedError("RW707", f"{shown(application)} cannot be called.")
    if accepts(application, 2):
        return
    for count, what, remedy in _TAKES:
        if accepts(application, count):
            raise HostedError("RW707", f"{named(application)} {what}.", remedy)
    raise HostedError("RW707", f"{named(application)} does not take an environ and start_response.")
