"""Checks of the options of schemes, when they are made."""

from typing import Any, Final

from ropewalk.errors import HandlerError, is_int, misfit, named, shown

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


def check_called_with(owner: object, function: Any, *given: str) -> None:
    """Raises HandlerError (RW240) for a function that cannot be called with these arguments, such as one that has
    dependencies. None is not checked."""
    if function is None:
        return
    arguments = " and ".join(given)
    if not callable(function):
        raise wrong(owner, shown(function), f"Give a function of {arguments}.")
    why = misfit(function, *given)
    if why is not None:
        what = f"{named(function)}, which cannot be called with {arguments}: {why}"
        remedy = "Dependencies do not reach it: use `Depends` in a provider that takes the principal."
        raise wrong(owner, what, remedy)
