"""Exceptions of code that needs asyncio, on a reactor that is not asyncio's."""

import re
from asyncio import _get_running_loop as running_loop
from collections.abc import Callable
from typing import Any, Final

from ropewalk.errors import HandlerError, named, shown

_NO_LOOP: Final = re.compile(r"no (running|current) (event )?loop")
"""What asyncio and libraries for it raise, such as psycopg's pool: a RuntimeError of this text."""


def needs_asyncio(error: BaseException) -> bool:
    """Whether code that raised this exception needs asyncio, and no asyncio loop runs."""
    return isinstance(error, RuntimeError) and running_loop() is None and _NO_LOOP.search(shown(error)) is not None


def as_wrong_reactor(error: BaseException, call: Callable[..., Any]) -> BaseException:
    """The error to raise for an exception of a hook or a provider at the start: RW203 if it needs asyncio."""
    if not needs_asyncio(error):
        return error
    return HandlerError("RW203", f"{named(call)} needs asyncio: it raised {shown(error)}.")
