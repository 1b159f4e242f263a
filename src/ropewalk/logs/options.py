"""`LogOptions`: the form of the log and of the access log."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from ropewalk.errors import KnownOptions, OptionError, shown
from ropewalk.logs.redaction import SECRETS

LogFormat = Literal["text", "json", "console"]
LogLevelName = Literal["debug", "info", "warn", "error", "critical"]
FORMATS: Final[tuple[str, ...]] = get_args(LogFormat)
LEVELS: Final[tuple[str, ...]] = get_args(LogLevelName)
LEVEL_NUMBERS: Final = {"debug": 10, "info": 20, "warn": 30, "error": 40, "critical": 50}
"""The numbers of the levels, as `logging` and structlog use them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions(KnownOptions):
    """The options of the logs of `App.run` and `ropewalk.server.run`. Raises OptionError (RW332) for a wrong value."""

    format: LogFormat = "text"
    """The form of the log on the standard error: "text" is Twisted's, "json" is one JSON object in each line, and
    "console" is for people, with colours on a terminal."""
    level: LogLevelName = "info"
    """The lowest level of the events that are logged."""
    access_template: str | None = None
    """The template of the lines of the access log: "{method} {path} {status} {duration}". It is used instead of the
    format that `access_log` names."""
    access_fields: Sequence[str] = ()
    """The fields of the access log in JSON, in order: ("time", "path", "status"). They are used instead of the format
    that `access_log` names."""
    redact: Sequence[str] = SECRETS
    """Names of secrets. The values of fields and query parameters whose name contains one of them are not logged. Add
    your own: `(*SECRETS, "iban")`."""

    def __post_init__(self) -> None:
        _check_choice("format", self.format, FORMATS)
        _check_choice("level", self.level, LEVELS)
        for name in ("access_fields", "redact"):
            given: Any = getattr(self, name)
            if isinstance(given, str) or not all(isinstance(each, str) for each in given):
                remedy = f'Give a tuple of names: {name}=("path", "status").'
                raise OptionError("RW332", f"LogOptions got {name}={shown(given)}.", remedy)
            object.__setattr__(self, name, tuple(given))
        template: Any = self.access_template
        if not isinstance(template, str | None):
            what = f"LogOptions got access_template={shown(template)}."
            raise OptionError("RW332", what, 'Give a str: access_template="{method} {path} {status}".')
        if template is not None and self.access_fields:
            what = "LogOptions got access_template and access_fields."
            raise OptionError("RW332", what, "Give the template for lines of text, or the fields for JSON.")


def _check_choice(name: str, given: object, known: tuple[str, ...]) -> None:
    if given not in known:
        choices = ", ".join(f'"{each}"' for each in known)
        raise OptionError("RW332", f"LogOptions got {name}={shown(given)}.", f"It is one of {choices}.")
