"""Checks of the options of a client. Every error names the option and a valid value."""

from collections.abc import Callable

from ropewalk.errors import OptionError, is_int, is_seconds, shown


def wrong(owner: object, option: str, remedy: str) -> OptionError:
    """The error RW359: an option has an invalid value."""
    value = shown(getattr(owner, option))
    return OptionError("RW359", f"{type(owner).__name__}: {option} cannot be {value}.", remedy)


def check_optional_seconds(owner: object, option: str) -> None:
    """Raises OptionError (RW359) unless an option is None or a number of seconds greater than 0."""
    if getattr(owner, option) is not None:
        check_seconds(owner, option)


def check_seconds(owner: object, option: str) -> None:
    """Raises OptionError (RW359) unless an option is a number of seconds greater than 0."""
    if not is_seconds(getattr(owner, option)):
        raise wrong(owner, option, "Give a number of seconds greater than 0.")


def check_int(owner: object, option: str, least: int) -> None:
    """Raises OptionError (RW359) unless an option is an int of at least `least`."""
    value = getattr(owner, option)
    if not is_int(value) or value < least:
        raise wrong(owner, option, f"Give an int of at least {least}.")


def check_switch(owner: object, option: str) -> None:
    """Raises OptionError (RW359) unless an option is True or False."""
    if not isinstance(getattr(owner, option), bool):
        raise wrong(owner, option, "Write True or False.")


def check_parsed(owner: object, option: str, parse: Callable[[], object], remedy: str) -> None:
    """Raises OptionError (RW359) if `parse` raises ValueError."""
    try:
        parse()
    except ValueError:
        raise wrong(owner, option, remedy) from None
