"""Reads limits: `--limit name=value`, ROPEWALK_LIMIT in the environment, and the table `[limits]` in TOML."""

import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

import click
from click.core import ParameterSource

from ropewalk import Limits
from ropewalk.cli.error import CLIError
from ropewalk.cli.flags import ENVIRONMENT, FLAG, SETTINGS, Decorated, flag
from ropewalk.cli.settings import Settings
from ropewalk.suggest import did_you_mean

LIMIT_ORIGINS = "ropewalk.limits"
"""The key in click's `Context.meta` for a dict from each limit to the place where it was set."""


def limit_flag(command: Decorated) -> Decorated:
    """Add the flag `--limit`, which may be repeated, to a command. The command gets the limits as a dict `limits`."""
    return flag(
        "--limit",
        "limits",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_merge,
        help="Set a limit or timeout of the engine (seconds, bytes or a count). May be repeated.",
    )(command)


def _merge(context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, float]:
    """The limits by name. A flag overrides the environment, and the environment overrides TOML."""
    settings: Settings = context.meta[SETTINGS]
    origins = context.meta[LIMIT_ORIGINS] = {}
    limits: dict[str, float] = {}
    flags = given if context.get_parameter_source("limits") is ParameterSource.COMMANDLINE else ()
    table, variable = f"[limits] in {settings.source}", "ROPEWALK_LIMIT"
    for origin, source, found in (
        (str(settings.source), table, {name: _of_toml(table, name, value) for name, value in settings.limits.items()}),
        (ENVIRONMENT, variable, _parse(variable, os.environ.get(variable, "").split())),
        (FLAG, "--limit", _parse("--limit", flags)),
    ):
        _check(source, found)
        limits |= found
        origins |= dict.fromkeys(found, origin)
    return limits


def _parse(source: str, assignments: Iterable[str]) -> dict[str, float]:
    limits = {}
    for assignment in assignments:
        name, separator, value = assignment.partition("=")
        if not (separator and name):
            raise CLIError("RW423", f"{source}: {assignment} is not NAME=VALUE, such as head_timeout=5.")
        limits[name.replace("-", "_")] = _number(source, name, value)
    return limits


def _number(source: str, name: str, value: Any) -> float:
    try:
        if isinstance(value, bool):
            raise TypeError
        return float(value)
    except (TypeError, ValueError):
        raise CLIError("RW423", f"{source}: the limit {name} must be a number, not {value!r}.") from None


LEAST: Final = {"request_line": 16, "head_size": 27, "head_fields": 1}
"""The smallest useful values of limits. They allow the smallest request: `GET / HTTP/1.1` with a Host field."""


def check_useful(source: str, limits: Mapping[str, float]) -> None:
    """Raises CLIError (RW423) for a limit that would reject every request."""
    for name, least in LEAST.items():
        value = limits.get(name, least)
        if value < least:
            message = f"the limit {name} must be at least {least}; {value:.15g} would reject every request."
            raise CLIError("RW423", f"{source}: {message}")


def _of_toml(source: str, name: str, value: Any) -> float:
    if isinstance(value, str):
        raise CLIError("RW423", f"{source}: the limit {name} must be a number, not the string {value!r}.")
    return _number(source, name, value)


def _check(source: str, limits: dict[str, float]) -> None:
    for name in limits:
        if name not in Limits.names:
            raise CLIError("RW423", f"{source}: there is no limit {name}.{did_you_mean(name, Limits.names)}")
    for name, value in limits.items():
        counted = isinstance(getattr(_DEFAULTS, name), int)
        kind = "a whole number" if counted else "a number of seconds"
        try:
            Limits(**{name: value})
            if counted and value != int(value):
                raise ValueError
        except (ValueError, OverflowError) as error:
            message = f"the limit {name} cannot be {value:.15g}: it is {kind}, 0 or more."
            raise CLIError("RW423", f"{source}: {message}") from error
    check_useful(source, limits)


_DEFAULTS: Final = Limits()
