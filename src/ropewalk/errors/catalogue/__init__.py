"""The catalogue of error codes: what each code means in general, and what to do.

The message of a raised or logged error also says what happened, and where in the user's code. Each file has the codes
for one subject: RW1xx `routes.py`, RW2xx `handlers.py`, RW3xx `exchanges.py`, `projects.py`,
`logs.py`, `client_calls.py` and `option_values.py`, RW4xx `startup.py`, RW5xx `listening.py`, and RW7xx `hosting.py`.
"""

from typing import Final

from ropewalk.errors.catalogue.client_calls import CLIENT_CALLS
from ropewalk.errors.catalogue.entry import Entry
from ropewalk.errors.catalogue.exchanges import EXCHANGES
from ropewalk.errors.catalogue.handlers import HANDLERS
from ropewalk.errors.catalogue.hosting import HOSTING
from ropewalk.errors.catalogue.listening import LISTENING
from ropewalk.errors.catalogue.logs import LOGS
from ropewalk.errors.catalogue.option_values import OPTION_VALUES
from ropewalk.errors.catalogue.projects import PROJECTS
from ropewalk.errors.catalogue.routes import ROUTES
from ropewalk.errors.catalogue.startup import STARTUP

__all__ = ["CATALOGUE", "LATE_REMEDY", "SUBJECTS", "Entry"]

CATALOGUE: Final[dict[str, Entry]] = {
    entry.code: entry
    for entries in (
        *(ROUTES, HANDLERS),
        *(EXCHANGES, PROJECTS, LOGS, CLIENT_CALLS, OPTION_VALUES),
        *(STARTUP, LISTENING, HOSTING),
    )
    for entry in entries
}

SUBJECTS: Final = {
    "RW1": "the tree and its routes",
    "RW2": "handlers and what they return",
    "RW3": "one request and its response; the commands for developers",
    "RW4": "start-up and the command line",
    "RW5": "the engine and its listening sockets",
    "RW7": "hosted applications and twisted.web programs",
}
"""The subject of the codes that begin with each text."""

LATE_REMEDY: Final = "Fix the cause shown in the traceback."
"""The remedy of RW208 if no error handler can respond any more: it was already called, or the response has begun."""
