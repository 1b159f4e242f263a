"""Test clients for apps. They send requests to the real engine, but do not open a port.

`Client` is for plain test functions, `AsyncClient` for coroutines, under asyncio, trial or any reactor.
"""

from ropewalk.cookie_jar import CookieJar, StoredCookie
from ropewalk.testing.async_client import AsyncClient
from ropewalk.testing.blocking_stream import BlockingStream
from ropewalk.testing.client import Client
from ropewalk.testing.client_clock import ClientClock
from ropewalk.testing.client_response import ClientResponse
from ropewalk.testing.fake_service import FakeService, RecordedCall, UnexpectedCall
from ropewalk.testing.idle_reactor import ReactorElsewhere, ReactorInUse, WouldBlock
from ropewalk.testing.protocol_error import ProtocolError
from ropewalk.testing.redirects import RedirectError
from ropewalk.testing.status_error import StatusError
from ropewalk.testing.streamed_response import StreamedResponse
from ropewalk.testing.timeouts import ClientTimeout
from ropewalk.twisted_private import check

__all__ = [
    "AsyncClient",
    "BlockingStream",
    "Client",
    "ClientClock",
    "ClientResponse",
    "ClientTimeout",
    "CookieJar",
    "FakeService",
    "ProtocolError",
    "ReactorElsewhere",
    "ReactorInUse",
    "RecordedCall",
    "RedirectError",
    "StatusError",
    "StoredCookie",
    "StreamedResponse",
    "UnexpectedCall",
    "WouldBlock",
]

check("testing")
