"""The request that a client has sent, and the methods with which a handler responds."""

from ropewalk.request.body import PART, BodyStream
from ropewalk.request.body_writer import BODILESS, octets
from ropewalk.request.client_certificate import ClientCertificate
from ropewalk.request.event_stream import EventStream, is_event_stream, sends_events
from ropewalk.request.query import QueryParams
from ropewalk.request.request import (
    PENDING,
    Address,
    EngineHandler,
    ExactTypes,
    FirstSegmentRunner,
    HTMLEscape,
    Request,
    SignedContent,
    SignedText,
    TaskCore,
    ValueWithFields,
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
    "ClientCertificate",
    "EngineHandler",
    "EventStream",
    "ExactTypes",
    "FirstSegmentRunner",
    "HTMLEscape",
    "QueryParams",
    "Request",
    "SignedContent",
    "SignedText",
    "TaskCore",
    "ValueWithFields",
    "ValueWithStatus",
    "check_status",
    "is_event_stream",
    "octets",
    "sends_events",
]

for _class in (BodyStream, QueryParams, Request):
    _class.__module__ = __name__  # the package from which users import it
