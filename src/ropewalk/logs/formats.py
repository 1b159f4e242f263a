"""The forms of a log line: Twisted's text, JSON, and the form for the console.

Control characters are escaped in each of them, because they may come from a client and could forge a line, or change
what a terminal shows.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec
from twisted.logger import LogEvent, formatEventAsClassicLogText

from ropewalk.errors import visible
from ropewalk.logs.options import LogFormat
from ropewalk.logs.records import Record, record_of, redacted, stack_of, time_of
from ropewalk.logs.redaction import Redaction

Formatter = Callable[[LogEvent], "str | None"]
"""A function that returns the line of an event, with its line feed, or None for no line."""

_LEFT_BY_JSON: Final = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""The characters that `visible` escapes, and JSON does not."""
_COLOURS: Final = {"debug": "2", "info": "32", "warn": "33", "error": "31", "critical": "1;31"}
_PLAIN: Final = re.compile(r"[^\s\"'=\\]+")
_MOST_SHOWN: Final = 1 << 14
"""The most characters of a value that is logged as its `repr`."""


def formatter(form: LogFormat, redaction: Redaction, *, colours: bool = False) -> Formatter:
    """The function that formats events in a form. `colours` is for a console that is a terminal."""

    def as_text(event: LogEvent) -> str | None:
        text = formatEventAsClassicLogText(redacted(event, redaction))
        if text is None:
            return None
        stack = stack_of(event)
        if stack:
            text += "\t" + stack.replace("\n", "\n\t") + "\n"  # as Twisted writes a traceback
        return visible(redaction.of_text(text))

    def as_json(event: LogEvent) -> str | None:
        return json_line(record_of(event, redaction))

    def as_console(event: LogEvent) -> str | None:
        return console_line(record_of(event, redaction), colours=colours)

    return _never_failing({"text": as_text, "json": as_json, "console": as_console}[form])


def _never_failing(format_event: Formatter) -> Formatter:
    """A formatter that writes a line also for an event whose values cannot be formatted."""

    def formatted(event: LogEvent) -> str | None:
        try:
            return format_event(event)
        except Exception as error:  # noqa: BLE001 - a method of a value failed, and the line must be logged
            names = ("log_level", "log_namespace")
            what = f"A line of the log could not be written, because a value in it raised {type(error).__name__}: "
            message = event.get("log_format")
            plain = {
                "log_time": time_of(event).timestamp(),
                "log_format": "{what}{message}",
                "what": what,
                "message": f"{message}" if type(message) is str else "",
            }
            return format_event(plain | {name: event[name] for name in names if name in event})

    return formatted


def json_line(record: Record) -> str:
    """The record as one JSON object, with the time as in RFC 3339. If there is a traceback, it is a string in the
    object."""
    line = {
        "time": record.time.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "level": record.level,
        "logger": record.logger,
        "message": record.message,
        **record.fields,
    }
    if record.exception is not None:
        line["exception"] = record.exception
    if record.stack is not None:
        line["stack"] = record.stack
    text = msgspec.json.encode(_simple(line)).decode()
    return _LEFT_BY_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def console_line(record: Record, *, colours: bool) -> str:
    """The time of day, the level, the message, each field that the message does not show, as `name=value`, and the name
    of the logger. The lines of a traceback and of a stack follow, each with a tab at its beginning."""

    def painted(code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if colours else text

    parts = [
        painted("2", record.time.astimezone().strftime("%H:%M:%S.%f")[:-3]),
        painted(_COLOURS.get(record.level, "0"), f"{record.level:<8}"),
        painted("1", _one_line(record.message)),
        *(
            f"{painted('36', _one_line(name))}={_shown(value)}"
            for name, value in record.fields.items()
            if name not in record.in_message
        ),
        painted("2", f"[{_one_line(record.logger)}]"),
    ]
    lines = [" ".join(parts)]
    traceback = None if record.exception is None else record.exception["traceback"]
    for text in (traceback, record.stack):
        lines += [f"\t{visible(line)}" for line in (text or "").split("\n") if line]
    return "\n".join(lines) + "\n"


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{float.__float__(value):.6g}"
    simple = _simple(value)
    if isinstance(simple, str) and isinstance(value, str) and _PLAIN.fullmatch(simple):
        return _one_line(simple)
    return _one_line(msgspec.json.encode(simple).decode())


def _simple(value: Any, depth: int = 8) -> Any:
    """The value with the types of JSON only. Other objects become their text, and so does what is nested too deeply."""
    if value is None or isinstance(value, bool):
        return value
    try:
        return _simple_object(value, depth)
    except Exception as error:  # noqa: BLE001 - a method of the value failed, and the line must be logged
        return f"<{type(value).__name__} whose text raised {type(error).__name__}>"


def _simple_object(value: Any, depth: int) -> Any:
    """The same for a value that may be an object of the program's own class. If the class is a subclass of str, float
    or int, its own methods are not called."""
    if isinstance(value, str):
        text = str.__str__(value)
        return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, int):
        number = int.__index__(value)
        return number if -(1 << 63) <= number < 1 << 64 else f"{number:#x}"
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if depth and isinstance(value, dict):
        return {_name(name): _simple(inner, depth - 1) for name, inner in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_simple(inner, depth - 1) for inner in value]
    return _simple(str(value)[:_MOST_SHOWN])


def _name(key: Any) -> str:
    """The text of a key of a dict."""
    return f"{_simple(key, 0)}"


def _one_line(text: str) -> str:
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")
