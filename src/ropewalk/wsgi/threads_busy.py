"""Make the 503 for a request if all threads are busy and `WSGIOptions.waiting` other requests wait for a thread."""

from typing import Final

from twisted.logger import Logger

from ropewalk.calling.shortages import INTERVAL, Shortage
from ropewalk.errors import CATALOGUE, HTTPError, named
from ropewalk.request import Request

log = Logger(namespace="ropewalk.wsgi")

_BUSY: Final = Shortage("RW705", 503, (("retry-after", "1"),))  # Retry-After: RFC 9110, section 10.2.3


def threads_busy(request: Request, application: object, waiting: int) -> HTTPError:
    """The HTTPError for a request if `waiting` other requests already wait for a thread. The shortage is logged, but at
    most once in INTERVAL seconds."""
    if request.service.shortages.is_news(_BUSY):
        log.warn(
            "RW705 {method} {path}: {count} requests wait for a thread to call {who}. {remedy} "
            "This is logged at most once in {seconds:g} s.",
            method=request.method,
            path=request.raw_path.decode("ascii"),
            count=waiting,
            who=named(application),
            remedy=CATALOGUE["RW705"].remedy,
            seconds=INTERVAL,
        )
    return _BUSY.to_http_error()
