"""Checks the options of authentication schemes when the options are created."""

from typing import Any

from ropewalk.errors import HandlerError, OptionError, full_name, is_int, is_seconds, misfit, named, shown
from ropewalk.typed import dependent_on


def wrong(options: object, what: str, remedy: str) -> HandlerError:
    """Return the HandlerError (RW240) for options with a wrong value."""
    return OptionError("RW240", f"{type(options).__name__} has {what}.", remedy)


def type_shown(value: object) -> str:
    """Describe a value in a message by its type only, because the value may be a secret in the wrong place."""
    return f"a value of type {full_name(type(value))}"


def check_seconds(options: object, *names: str, zero: bool = False) -> None:
    """Raises HandlerError (RW240) unless these options are numbers of seconds above 0; with `zero`, 0 is allowed
    too."""
    for name in names:
        given: Any = getattr(options, name)
        if not is_seconds(given) and not (zero and given == 0 and not isinstance(given, bool)):
            raise wrong(
                options,
                f"the invalid value {name}={shown(given)}",
                f"Give seconds, {'0 or more' if zero else 'more than 0'}.",
            )


def check_count(options: object, *names: str, least: int = 1) -> None:
    """Raises HandlerError (RW240) unless these options are an int of at least `least`."""
    for name in names:
        given: Any = getattr(options, name)
        if not is_int(given) or given < least:
            raise wrong(options, f"the invalid value {name}={shown(given)}", f"Give an int of at least {least}.")


def check_called_with(owner: object, function: Any, *given: str) -> None:
    """Raises HandlerError (RW240) for a function that cannot be called with these arguments. None is allowed.

    Other parameters must have a default, or a marker such as `Depends`. Raises HandlerError (RW214, RW217, RW218) for
    dependencies that cannot be provided.
    """
    if function is None:
        return
    arguments = " and ".join(given)
    if not callable(function):
        raise wrong(owner, type_shown(function), f"Give a function of {arguments}.")
    dependent = dependent_on(function, len(given))
    why = misfit(function, *given, **(dependent.placeholders if dependent is not None else {}))
    if why is not None:
        what = f"{named(function)}, which cannot be called with {arguments}: {why}"
        raise wrong(
            owner,
            what,
            "Mark parameters that a provider provides: `session: Annotated[Session, Depends(open_session)]`.",
        )
