"""Test clients. They use the real engine, without a port.

`Client` is for plain tests, `AsyncClient` for coroutines under asyncio, trial and any reactor.
"""

from ropewalk.testing.clients import AsyncClient, Client, StreamedResponse
from ropewalk.testing.idle_reactor import ReactorInUse
from ropewalk.testing.response_parser import ClientResponse, ProtocolError
from ropewalk.testing.timeouts import ClientTimeout
from ropewalk.twisted_private import check

__all__ = [
    "AsyncClient",
    "Client",
    "ClientResponse",
    "ClientTimeout",
    "ProtocolError",
    "ReactorInUse",
    "StreamedResponse",
]

check("testing")
