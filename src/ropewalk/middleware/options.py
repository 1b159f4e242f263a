"""Check the options of a middleware when it is created. Every error names the option and a valid value."""

from collections.abc import Collection, Iterable
from typing import Any

from ropewalk.errors import (
    HandlerError,
    InvalidField,
    OptionError,
    check_options,
    is_int,
    is_seconds,
    misfit,
    named,
    shown,
)
from ropewalk.headers import TOKEN, field_value


def check_kind(options: object, kind: type) -> None:
    """Raises HandlerError (RW232) unless the options are an instance of `kind`."""
    check_options(options, kind, "RW232")


def wrong(owner: object, option: str, value: object, remedy: str) -> HandlerError:
    """The error RW230: an option has an invalid value."""
    return OptionError("RW230", f"{type(owner).__name__}: {option} cannot be {shown(value)}.", remedy)


def unsafe(owner: object, what: str, remedy: str) -> HandlerError:
    """The error RW231: options contradict each other."""
    return OptionError("RW231", f"{type(owner).__name__}: {what}", remedy)


def malformed(owner: object, pattern: object, remedy: str) -> HandlerError:
    """The error RW233: a pattern for hosts, origins or networks is malformed."""
    return OptionError("RW233", f"{type(owner).__name__}: {shown(pattern)} is malformed.", remedy)


def check_switches(owner: object, *names: str) -> None:
    """Raises HandlerError (RW230) unless these options are True or False."""
    for name in names:
        value = getattr(owner, name)
        if not isinstance(value, bool):
            raise wrong(owner, name, value, "Write True or False.")


def check_count(owner: object, name: str, *, least: int = 0, most: int | None = None, optional: bool = False) -> None:
    """Raises HandlerError (RW230) unless an option is an int from `least` to `most`. An optional option may be None."""
    value = getattr(owner, name)
    if (optional and value is None) or (is_int(value) and least <= value and (most is None or value <= most)):
        return
    bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
    raise wrong(owner, name, value, f"Give an int {bounds}{', or None' if optional else ''}.")


def check_seconds(owner: object, name: str) -> None:
    """Raises HandlerError (RW230) unless an option is a number of seconds greater than 0."""
    value = getattr(owner, name)
    if not is_seconds(value):
        raise wrong(owner, name, value, "Give a number greater than 0.")


def check_choice(owner: object, name: str, choices: Iterable[Any]) -> None:
    """Raises HandlerError (RW230) unless an option is one of these values."""
    value = getattr(owner, name)
    allowed = tuple(choices)
    if not any(value is each or (type(value) is type(each) and value == each) for each in allowed):
        raise wrong(owner, name, value, f"Give one of {', '.join(map(repr, allowed))}.")


def check_function(owner: object, name: str) -> None:
    """Raises HandlerError (RW230) unless an option is a function or None."""
    value = getattr(owner, name)
    if value is not None and not callable(value):
        raise wrong(owner, name, value, "Give a function of the request, or None.")
    check_takes_request(owner, name)


def check_takes_request(owner: object, name: str) -> None:
    """Raises HandlerError (RW230) if an option is a function that cannot be called with a request alone, such as a
    function that has dependencies."""
    value = getattr(owner, name)
    why = misfit(value, "request") if callable(value) else None
    if why is not None:
        what = f"{type(owner).__name__}: {name} is {named(value)}, which cannot be called with a request: {why}."
        remedy = "Dependencies do not reach it: keep what it needs in an object, and give a method of this object."
        raise OptionError("RW230", what, remedy)


def check_field(owner: object, name: str, *, optional: bool = True) -> None:
    """Raises HandlerError (RW230) unless an option is a str that can be the value of a header field."""
    value = getattr(owner, name)
    if value is None and optional:
        return
    try:
        if isinstance(value, str) and value and value.isascii() and field_value(name, value):
            return
    except InvalidField:
        pass
    raise wrong(owner, name, value, "Give ASCII text without control characters.")


def strings(owner: object, name: str) -> tuple[str, ...]:
    """Replace an option with a tuple of its items, and return the tuple. Raises HandlerError (RW230) unless all items
    are str."""
    value = getattr(owner, name)
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise wrong(owner, name, value, f"Write a list: {name}=[{shown(value)}].")
    items = tuple(value)
    for item in items:
        if not isinstance(item, str):
            raise wrong(owner, name, item, "Give each item as a str.")
    object.__setattr__(owner, name, items)
    return items


def tokens(owner: object, name: str, *, star: bool = True) -> tuple[str, ...]:
    """Like `strings`, but the items must be names of methods or fields (RFC 9110, section 5.6.2), or "*"."""
    items = strings(owner, name)
    for item in items:
        if not TOKEN.fullmatch(item) or (item == "*" and not star):
            raise wrong(owner, name, item, "Use names of ASCII letters, digits and hyphens.")
    return items


def check_field_name(owner: object, name: str, *, refused: Collection[str] = ()) -> None:
    """Raises HandlerError (RW230) unless an option is the name of a header field that is not among `refused`."""
    value = getattr(owner, name)
    if not isinstance(value, str) or not TOKEN.fullmatch(value) or value.lower() in refused:
        raise wrong(owner, name, value, 'Give the name of a header field, such as "x-request-id".')
