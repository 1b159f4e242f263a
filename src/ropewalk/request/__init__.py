"""A request: what the client sent, and the means to respond."""

from ropewalk.request.request import (
    BODILESS,
    PART,
    PENDING,
    Address,
    BodyStream,
    Endpoint,
    Query,
    Request,
    check_status,
    octets,
    sends_events,
)

__all__ = [
    "BODILESS",
    "PART",
    "PENDING",
    "Address",
    "BodyStream",
    "Endpoint",
    "Query",
    "Request",
    "check_status",
    "octets",
    "sends_events",
]

for _class in (BodyStream, Query, Request):
    _class.__module__ = __name__  # the name that users import
