"""The flags for the log and the access log. The log goes to standard error."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

import click

from ropewalk.cli.flags import flag
from ropewalk.errors import StartError
from ropewalk.logs import (
    FORMATS,
    LEVELS,
    SECRETS,
    LogOptions,
    TwistedHandler,
    configure_imported_structlog,
    forward_logging,
)
from ropewalk.server import begin_logging, check_access_log, log_has_begun

Loaded = TypeVar("Loaded")


def start_logging(options: LogOptions) -> None:
    """Show Twisted's log, and the records of `logging`. The output of `print` in handlers is unchanged."""
    begin_logging(options)
    forward_logging(options.level)


class _ProgramHandler(TwistedHandler):
    """Passes the records of a program that `ropewalk exec` runs to Twisted's log. Until the program begins this log,
    warnings are also written to standard error, as `logging` does without a handler."""

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        if logging.lastResort is not None and record.levelno >= logging.lastResort.level and not log_has_begun():
            logging.lastResort.handle(record)


def forward_of_program() -> None:
    """Pass the records of `logging` to Twisted's log, from the level info on, for a program that `ropewalk exec`
    runs."""
    forward_logging("info", _ProgramHandler())


def loaded(load: Callable[[], Loaded], options: LogOptions) -> Loaded:
    """Load the program, and configure structlog if the program has imported it."""
    program = load()
    configure_imported_structlog(options.level)
    return program


def redacted_names(given: Sequence[str]) -> tuple[str, ...]:
    """The names of secrets: the default ones, and those of `--log-redact`. If `none` is the only name, nothing is a
    secret."""
    names = names_in(given)
    return () if names == ("none",) else (*SECRETS, *names)


def names_in(given: Iterable[str]) -> tuple[str, ...]:
    """The names in values such as `path,status`."""
    return tuple(name.strip() for each in given for name in each.split(",") if name.strip())


class _TemplateType(click.types.StringParamType):
    """The type of a template of the access log."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            check_access_log(value)
        except StartError as error:
            self.fail(f"{error.message} {error.remedy}", param, ctx)
        return value


class _FieldsType(click.types.StringParamType):
    """The type of a list of fields of the access log."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            check_access_log(None, names_in([value]))
        except StartError as error:
            self.fail(f"{error.message} {error.remedy}", param, ctx)
        return value


log_flags: Final[Sequence[Callable[[Any], Any]]] = (
    flag("--log-level", type=click.Choice(LEVELS), default="info", help="Lowest level to log."),
    flag(
        "--log-format",
        type=click.Choice(FORMATS),
        default="text",
        help="Form of the log: Twisted's text, one JSON object a line, or lines for people.",
    ),
    flag(
        "--log-redact",
        multiple=True,
        metavar="NAMES",
        help="More names of secrets, separated by commas. Fields and query parameters of these names are not logged. "
        "none logs all values. May be repeated.",
    ),
    flag(
        "--access-log-template",
        type=_TemplateType(),
        metavar="TEMPLATE",
        help="Template of the lines of the access log: '{method} {path} {status} {duration}'.",
    ),
    flag(
        "--access-log-fields",
        type=_FieldsType(),
        multiple=True,
        metavar="NAMES",
        help="Fields of the access log in JSON, separated by commas: time,method,path,status. May be repeated.",
    ),
)
