"""Guesses from its signature whether an object is a WSGI application or an ASGI application."""

from collections.abc import Callable
from inspect import signature
from typing import Any, Final, Literal

from ropewalk.errors import HostedError

Interface = Literal["wsgi", "asgi"]

AN_APPLICATION: Final[dict[str, str]] = {"wsgi": "a WSGI application", "asgi": "an ASGI application"}
"""The words for an application of each interface, for messages."""


def likely_interface(thing: object) -> Interface | None:
    """The interface that an object seems to have; None if it looks like neither."""
    for interface, check in _CHECKS.items():
        try:
            check(thing)
        except HostedError:
            continue
        return interface
    return None


def is_factory(thing: object) -> bool:
    """Whether an object can be called without arguments, so that it may be a function that makes an application."""
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
