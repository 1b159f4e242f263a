"""An HTTP client for services that call other services, on every reactor."""

from ropewalk.client.client import HTTPClient
from ropewalk.client.errors import (
    BadResponse,
    BadStatus,
    CallTimeout,
    ClientClosed,
    ClientError,
    ConnectionBroken,
    ConnectionFailed,
    InvalidCall,
    RedirectRefused,
    ResponseTooLarge,
    StreamUsed,
)
from ropewalk.client.exchange import IncomingResponse, OutgoingRequest, Transport
from ropewalk.client.options import HTTPClientOptions
from ropewalk.client.response import HTTPResponse
from ropewalk.client.retries import Retries
from ropewalk.client.stream import HTTPStream
from ropewalk.client.timeouts import Timeouts
from ropewalk.client.urls import URL

__all__ = [
    "URL",
    "BadResponse",
    "BadStatus",
    "CallTimeout",
    "ClientClosed",
    "ClientError",
    "ConnectionBroken",
    "ConnectionFailed",
    "HTTPClient",
    "HTTPClientOptions",
    "HTTPResponse",
    "HTTPStream",
    "IncomingResponse",
    "InvalidCall",
    "OutgoingRequest",
    "RedirectRefused",
    "ResponseTooLarge",
    "Retries",
    "StreamUsed",
    "Timeouts",
    "Transport",
]
