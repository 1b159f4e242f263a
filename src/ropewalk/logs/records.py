"""The parts of a log event, for logs in JSON and for the console."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from string import Formatter
from typing import Any, Final

from twisted.logger import LogEvent, formatEvent
from twisted.python.failure import Failure

from ropewalk.errors import full_name, shown
from ropewalk.logs.redaction import Redaction
from ropewalk.logs.tracking import request_fields
from ropewalk.tracebacks import format_error

_LEGACY: Final = frozenset(("message", "time", "system", "isError", "failure", "why", "format", "printed", "logLevel"))
"""Fields of the events of `twisted.python.log`, and of those that Twisted adapts for its observers."""
_OWN: Final = frozenset(("time", "level", "logger", "message", "exception"))
"""Fields of every record. A field of an event with such a name gets a `_` at its end."""
_WARNING: Final = "{filename}:{lineno}: {category}: {warning}"
"""The format of the events that Twisted makes from the warnings of Python."""


@dataclass(slots=True)
class Record:
    """One line of a log."""

    time: datetime
    level: str
    logger: str
    message: str
    fields: dict[str, Any] = field(default_factory=dict)
    """The fields of the request and of the event."""
    in_message: frozenset[str] = frozenset()
    """The names of the fields whose values the message shows."""
    exception: dict[str, str] | None = None
    """The type, the message and the traceback of an exception."""
    stack: str | None = None
    """Where the line was logged, if the program asked for it by `stack_info=True`."""


def record_of(event: LogEvent, redaction: Redaction) -> Record:
    """The record of an event. Secrets are replaced."""
    event = redacted(event, redaction)
    level = event.get("log_level")
    failure = _failure_of(event)
    stack = stack_of(event)
    own = _OWN if stack is None else _OWN | {"stack"}
    fields = request_fields() | {name: event[name] for name in event if _is_field(event, name)}
    return Record(
        time=time_of(event),
        level=getattr(level, "name", "info"),
        logger=_logger_of(event),
        message=message_of(event, redaction),
        fields={f"{name}_" if name in own else name: redaction.of_value(name, value) for name, value in fields.items()},
        in_message=_names_in(event.get("log_format")),
        exception=None if failure is None else exception_fields(failure, redaction),
        stack=None if stack is None else redaction.of_text(stack),
    )


def time_of(event: LogEvent) -> datetime:
    """The time of an event; the current time if the program has given a wrong `log_time`."""
    try:
        return datetime.fromtimestamp(event.get("log_time", 0.0), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return datetime.now(UTC)


def _names_in(message: object) -> frozenset[str]:
    """The names of the fields in the format of a message."""
    if not isinstance(message, str):
        return frozenset()
    try:
        return frozenset(name for _, name, _, _ in Formatter().parse(message) if name)
    except ValueError:  # braces that do not match
        return frozenset()


def stack_of(event: LogEvent) -> str | None:
    """The stack in an event of `logging` or structlog, for which the program asked by `stack_info=True`."""
    stack = event.get("log_stack")
    return stack if isinstance(stack, str) else None


def redacted(event: LogEvent, redaction: Redaction) -> LogEvent:
    """The event, or a copy without its secrets."""
    fields = (name for name in event if _is_field(event, name))
    secret = [name for name in fields if _may_be_secret(name, event[name], redaction)]
    return event | {name: redaction.of_value(name, event[name]) for name in secret} if secret else event


def message_of(event: LogEvent, redaction: Redaction) -> str:
    """The text of an event, with the secrets in URLs replaced."""
    failure = _failure_of(event)
    if (
        failure is not None and event.get("isError") and "log_failure" not in event
    ):  # the text of `twisted.python.log.err` has the traceback
        return redaction.of_text(f"{event.get('why') or 'Unhandled Error'}")
    message = redaction.of_text(formatEvent(event))
    return message or ("" if failure is None else redaction.of_text(str(failure.getErrorMessage())))


def _failure_of(event: LogEvent) -> Failure | None:
    failure = event.get("failure") if _is_legacy(event) and "log_failure" not in event else event.get("log_failure")
    return failure if isinstance(failure, Failure) else None


def _logger_of(event: LogEvent) -> str:
    if _is_warning(event):
        return "py.warnings"
    namespace = None if _is_legacy(event) else event.get("log_namespace")
    return f"{namespace or event.get('log_system') or '-'}"


def _is_legacy(event: LogEvent) -> bool:
    """Whether an event was made by `twisted.python.log`."""
    return event.get("log_namespace") == "log_legacy"


def _is_warning(event: LogEvent) -> bool:
    return bool(event.get("log_format") == _WARNING)


def exception_fields(failure: Failure, redaction: Redaction) -> dict[str, str]:
    """The type, the message and the traceback of an exception, with the secrets in URLs replaced."""
    error: Any = failure.value
    try:
        message = f"{error}"
    except Exception as raised:  # noqa: BLE001 - a method of the exception failed, and the line must be logged
        message = f"It has no text: {shown(raised)}"
    fields = {"message": message, "traceback": format_error(error)}
    return {"type": full_name(type(error))} | {name: redaction.of_text(text) for name, text in fields.items()}


def _may_be_secret(name: str, value: object, redaction: Redaction) -> bool:
    """Whether a field may have a secret: its name is that of a secret, or its value is a container, which may have
    one."""
    return isinstance(value, Mapping | list | tuple) or redaction.is_secret(name)


def _is_field(event: LogEvent, name: Any) -> bool:
    if not isinstance(name, str) or name.startswith("log_") or not name:
        return False
    if name == "warning" and _is_warning(event):  # the message has its text
        return False
    return not (name in _LEGACY and (_is_legacy(event) or "log_legacy" in event))
