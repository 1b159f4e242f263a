"""Checks of options that middleware, authentication and hosted applications share."""

from typing import Final, TypeGuard

from ropewalk.errors.exceptions import OptionError
from ropewalk.errors.naming import full_name, shown

LONGEST_TIME: Final = 1e9
"""The upper bound for every option that is a time in seconds, about 32 years. It excludes infinity."""


def is_seconds(value: object) -> TypeGuard[float]:
    """Whether a value is a number of seconds greater than 0. A bool is not a number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < LONGEST_TIME


def check_options(options: object, kind: type, code: str) -> None:
    """Raises OptionError with the code `code` unless `options` is an instance of `kind`."""
    if not isinstance(options, kind):
        given = f"The options are {shown(options)}, of type {full_name(type(options))}."
        raise OptionError(code, given, f"Give the options as {kind.__name__}(...).")
