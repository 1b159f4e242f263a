"""The form of the log: fields of the request in each line, JSON, colours on a console, and secrets replaced.

The records of `logging` and the events of structlog go to Twisted's log, too. `ropewalk.server` writes the lines.
"""

from ropewalk.logs.formats import Formatter, formatter
from ropewalk.logs.options import FORMATS, LEVELS, LogFormat, LogLevelName, LogOptions
from ropewalk.logs.redaction import REDACTED, SECRETS, Redaction
from ropewalk.logs.standard_logging import TwistedHandler, forward_logging
from ropewalk.logs.structlog_events import (
    TwistedLogger,
    configure_imported_structlog,
    configure_structlog,
    event_fields,
)
from ropewalk.logs.tracking import (
    OF_ROPEWALK,
    current_request,
    log_value,
    note_field,
    request_fields,
    set_current_request,
    track_requests,
    tracks_requests,
    user_of,
)

__all__ = [
    "FORMATS",
    "LEVELS",
    "OF_ROPEWALK",
    "REDACTED",
    "SECRETS",
    "Formatter",
    "LogFormat",
    "LogLevelName",
    "LogOptions",
    "Redaction",
    "TwistedHandler",
    "TwistedLogger",
    "configure_imported_structlog",
    "configure_structlog",
    "current_request",
    "event_fields",
    "formatter",
    "forward_logging",
    "log_value",
    "note_field",
    "request_fields",
    "set_current_request",
    "track_requests",
    "tracks_requests",
    "user_of",
]
