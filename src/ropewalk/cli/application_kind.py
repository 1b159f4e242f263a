"""Which interface an application seems to have, WSGI or ASGI, by the signature of its object."""

from collections.abc import Callable
from inspect import signature
from typing import Any, Final, Literal

from ropewalk.errors import HostedError

Interface = Literal["wsgi", "asgi"]

AN_APPLICATION: Final[dict[str, str]] = {"wsgi": "a WSGI application", "asgi": "an ASGI application"}
"""An application of each interface, for messages."""


def likely_interface(thing: object) -> Interface | None:
    """The interface that an object seems to have; None for neither."""
    for interface, check in _CHECKS.items():
        try:
            check(thing)
        except HostedError:
            continue
        return interface
    return None


def is_factory(thing: object) -> bool:
    """Whether an object can be called without arguments, as a function that creates an application."""
    if not callable(thing):
        return False
    try:
        signature(thing).bind()
    except (TypeError, ValueError):
        return False
    return True


def _check_wsgi(thing: object) -> None:
    from ropewalk.wsgi.application_check import check

    check(thing)


def _check_asgi(thing: object) -> None:
    from ropewalk.asgi.application_check import check

    check(thing)


_CHECKS: Final[dict[Interface, Callable[[Any], None]]] = {"wsgi": _check_wsgi, "asgi": _check_asgi}
