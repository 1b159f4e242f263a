"""A request: what the client sent, and the means to respond."""

from ropewalk.request.body import PART, BodyStream
from ropewalk.request.body_writer import BODILESS, octets
from ropewalk.request.event_stream import EventStream, is_event_stream, sends_events
from ropewalk.request.query import Query
from ropewalk.request.request import PENDING, Address, EngineHandler, Request
from ropewalk.request.twisted_names import check_status

__all__ = [
    "BODILESS",
    "PART",
    "PENDING",
    "Address",
    "BodyStream",
    "EngineHandler",
    "EventStream",
    "Query",
    "Request",
    "check_status",
    "is_event_stream",
    "octets",
    "sends_events",
]

for _class in (BodyStream, Query, Request):
    _class.__module__ = __name__  # the name that users import
