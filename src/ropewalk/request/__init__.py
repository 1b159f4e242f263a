"""The request that a client has sent, and the methods with which a handler responds."""

from ropewalk.request.body import PART, BodyStream
from ropewalk.request.body_writer import BODILESS, octets
from ropewalk.request.event_stream import EventStream, is_event_stream, sends_events
from ropewalk.request.query import QueryParams
from ropewalk.request.request import (
    PENDING,
    Address,
    EngineHandler,
    ExactTypes,
    FirstSegmentRunner,
    Request,
    TaskCore,
    ValueWithStatus,
)
from ropewalk.request.twisted_names import check_status
from ropewalk.request.unsupported_media_type import AcceptedTypes

__all__ = [
    "BODILESS",
    "PART",
    "PENDING",
    "AcceptedTypes",
    "Address",
    "BodyStream",
    "EngineHandler",
    "EventStream",
    "ExactTypes",
    "FirstSegmentRunner",
    "QueryParams",
    "Request",
    "TaskCore",
    "ValueWithStatus",
    "check_status",
    "is_event_stream",
    "octets",
    "sends_events",
]

for _class in (BodyStream, QueryParams, Request):
    _class.__module__ = __name__  # the package from which users import it
