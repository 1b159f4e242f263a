"""Detects exceptions that are raised because code needs asyncio, but the reactor is not an asyncio reactor."""

import re
from asyncio import _get_running_loop as running_loop
from collections.abc import Callable
from typing import Any, Final

from ropewalk.errors import HandlerError, named, shown

_NO_LOOP: Final = re.compile(r"no (running|current) (event )?loop")
"""The text of the RuntimeError that asyncio, and libraries such as psycopg's pool, raise without a running loop."""


def needs_asyncio(error: BaseException) -> bool:
    """Whether code that raised this exception needs asyncio, and no asyncio loop runs."""
    return isinstance(error, RuntimeError) and running_loop() is None and _NO_LOOP.search(shown(error)) is not None


def as_wrong_reactor(error: BaseException, call: Callable[..., Any]) -> BaseException:
    """A HandlerError (RW203) for an exception of `call`, if `call` needs asyncio; otherwise the exception itself."""
    if not needs_asyncio(error):
        return error
    return HandlerError("RW203", f"{named(call)} needs asyncio: it raised {shown(error)}.")
