"""An id for each request: in `request.state`, in the response and in the log."""

import logging
import os
import re
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from ropewalk.errors import KnownOptions
from ropewalk.logs import note_field
from ropewalk.middleware.added_fields import add_lines
from ropewalk.middleware.chain import Middleware, Next
from ropewalk.middleware.describing import MiddlewareDescription, describes
from ropewalk.middleware.hosts import in_networks
from ropewalk.middleware.options import check_field_name, check_kind, check_switches, strings
from ropewalk.request import Request
from ropewalk.response import Response

_VALID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
"""An id that needs no escaping in logs, shells and URLs."""
_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.{1,200})?")
_REFUSED: Final = frozenset(("content-length", "transfer-encoding", "connection", "host", "date", "set-cookie", "vary"))

_current: Final[ContextVar[str | None]] = ContextVar("ropewalk_request_id", default=None)
_current_trace: Final[ContextVar[str | None]] = ContextVar("ropewalk_traceparent", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestIDOptions(KnownOptions):
    """The options of `request_id`. Raises HandlerError: RW230 for an invalid value, RW233 for a malformed network."""

    header: str = "x-request-id"
    """The name of the request and response field for the id."""
    accept_from: Iterable[str] = ()
    """The peers whose ids and traces are accepted: addresses, networks ("10.0.0.0/8"), "unix" for UNIX sockets, or `*`.
    By default, they are accepted from no peer, because a client that chooses its own id can make the log misleading."""
    traceparent: bool = True
    """Whether the field `traceparent` (W3C Trace Context) from the accepted peers is read, and sent back in the
    response."""

    def __post_init__(self) -> None:
        check_field_name(self, "header", refused=_REFUSED)
        check_switches(self, "traceparent")
        in_networks(self, strings(self, "accept_from"))


@dataclass(frozen=True, slots=True)
class TraceParent:
    """The trace of a request, from its field `traceparent` (W3C Trace Context, section 3.2)."""

    trace_id: str
    """The id of the trace: 32 hexadecimal digits."""
    parent_id: str
    """The id of the caller's span: 16 hexadecimal digits."""
    sampled: bool
    """Whether the caller records the trace."""

    @classmethod
    def parse(cls, value: str) -> "TraceParent | None":
        """Parse the value of a `traceparent` field. Return None if it does not match the standard exactly."""
        found = _TRACEPARENT.fullmatch(value)
        if found is None:
            return None
        version, trace_id, parent_id, flags, more = found.groups()
        if version == "ff" or (version == "00" and more) or not int(trace_id, 16) or not int(parent_id, 16):
            return None
        return cls(trace_id, parent_id, bool(int(flags, 16) & 1))


def request_id(options: RequestIDOptions = RequestIDOptions()) -> Middleware:
    """A middleware that gives each request an id, and sends it in the response. Add it before all other middleware.

    `request.state.request_id` is the id. An id in the request is used if it is valid (1 to 128 ASCII letters, digits,
    dots, hyphens and underscores) and comes from a peer in `accept_from`. Otherwise the id is 32 random hexadecimal
    digits. `request.state.traceparent` is a `TraceParent`, or None.
    """
    check_kind(options, RequestIDOptions)
    header = options.header.lower()
    accepts = in_networks(options, options.accept_from)
    trusts = bool(tuple(options.accept_from))
    traced = trusts and options.traceparent
    own = frozenset((header, "traceparent") if traced else (header,))

    described = {options.header: "The id of the request. Name it in questions about the request."}

    @describes(MiddlewareDescription(headers=described, headers_on_errors=True))
    async def request_id(request: Request, next: Next) -> Response:
        given = request.header(header) if trusts else None
        if given is None or not _VALID.fullmatch(given) or not accepts(request.peer):
            given = os.urandom(16).hex()
        trace = None
        lines = [(header, given)]
        if traced:
            parent = request.header("traceparent")
            if parent is not None and accepts(request.peer):
                trace = TraceParent.parse(parent)
                if trace is not None:
                    lines.append(("traceparent", parent))
        state = request.state
        state.request_id = given
        state.traceparent = trace
        note_field(request, "request_id", given)
        if traced:
            _current_trace.set(None if trace is None else parent)
        _current.set(given)  # each request has its own context, in which the later parts of a stream run, too
        response = await next(request)
        if response.has_any(own):
            for name in own:
                response.headers.pop(name, None)
        add_lines(request, response, lines)
        return response

    return request_id


def current_request_id() -> str | None:
    """The id of the current request, for loggers; None outside a request."""
    return _current.get()


def current_traceparent() -> str | None:
    """The field `traceparent` of the current request. None if it was absent or not accepted, and outside a request."""
    return _current_trace.get()


class RequestIDFilter(logging.Filter):
    """A logging filter that sets `record.request_id`, for formats with `%(request_id)s`. Outside a request, it is "-".

    Add it to a logging handler.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Set `record.request_id`, and return True."""
        record.request_id = _current.get() or "-"
        return True
