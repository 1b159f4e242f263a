"""The catalogue of error codes: what each code means in general, and what to do.

The message of a raised or logged error also says what happened, and where in the user's code. Each file has the codes
for one subject: RW1xx `routes.py`, RW2xx `handlers.py`, RW3xx `exchanges.py`, RW4xx `startup.py`, RW5xx `listening.py`,
and RW7xx `hosting.py`.
"""

from typing import Final

from ropewalk.errors.catalogue.entry import Entry
from ropewalk.errors.catalogue.exchanges import EXCHANGES
from ropewalk.errors.catalogue.handlers import HANDLERS
from ropewalk.errors.catalogue.hosting import HOSTING
from ropewalk.errors.catalogue.listening import LISTENING
from ropewalk.errors.catalogue.routes import ROUTES
from ropewalk.errors.catalogue.startup import STARTUP

__all__ = ["CATALOGUE", "LATE_REMEDY", "Entry"]

CATALOGUE: Final[dict[str, Entry]] = {
    entry.code: entry for entry in (*ROUTES, *HANDLERS, *EXCHANGES, *STARTUP, *LISTENING, *HOSTING)
}

LATE_REMEDY: Final = "Fix the cause shown in the traceback."
"""The remedy of RW208 if no error handler can respond, because it was already called or the response has begun."""
