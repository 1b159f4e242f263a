"""Choose the library that sends requests: httpx2 on event loops of asyncio, Twisted's Agent on other reactors."""

from asyncio import AbstractEventLoop

from ropewalk.client.exchange import Transport
from ropewalk.client.options import HTTPClientOptions
from ropewalk.errors import OptionError


def open_transport(options: HTTPClientOptions, loop: AbstractEventLoop | None) -> Transport:
    """Make the transport for the running event loop, or for the reactor. Raises MissingPackage (RW360), and OptionError
    (RW359) for httpx2 without a running loop."""
    back_end = options.back_end or ("twisted" if loop is None else "httpx2")
    if back_end == "twisted":
        from ropewalk.client.twisted_transport import TwistedTransport

        return TwistedTransport(options)
    if loop is None:
        what = "HTTPClientOptions: back_end is httpx2, which needs a running asyncio event loop."
        raise OptionError("RW359", what, "Use an asyncio reactor, or leave out back_end.")
    from ropewalk.client.httpx_transport import HTTPXTransport

    return HTTPXTransport(options)
