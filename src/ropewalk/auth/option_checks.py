"""Checks of the options of schemes, when they are made."""

from typing import Any, Final

from ropewalk.errors import HandlerError, is_int, shown

_LONGEST_TIME: Final = 10**9
"""Seconds: about 30 years."""


def wrong(options: object, what: str, remedy: str) -> HandlerError:
    """RW240: options have a wrong value."""
    return HandlerError("RW240", f"{type(options).__name__} has {what}.", remedy)


def check_seconds(options: object, *names: str, zero: bool = False) -> None:
    """Raises HandlerError (RW240) unless these options are numbers of seconds above 0, or 0 if that is allowed."""
    for name in names:
        given: Any = getattr(options, name)
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        if not is_number or not (0 < given < _LONGEST_TIME or (zero and given == 0)):
            raise wrong(options, f"{name}={shown(given)}", f"Give seconds, {'0 or more' if zero else 'more than 0'}.")


def check_count(options: object, *names: str, least: int = 1) -> None:
    """Raises HandlerError (RW240) unless these options are an int of at least `least`."""
    for name in names:
        given: Any = getattr(options, name)
        if not is_int(given) or given < least:
            raise wrong(options, f"{name}={shown(given)}", f"Give an int of at least {least}.")
