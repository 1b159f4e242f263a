"""The transport on reactors without asyncio: Twisted's Agent, on which treq is built, too."""

import select
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakSet

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.error import TimeoutError as ConnectTimeout
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool
from twisted.web.client import RequestGenerationFailed as BodyFailed
from twisted.web.http_headers import Headers as TwistedHeaders
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from ropewalk.client.errors import CallTimeout, ConnectionBroken, ConnectionFailed
from ropewalk.client.exchange import OutgoingRequest
from ropewalk.client.head_limit import HeadLimit
from ropewalk.client.options import HTTPClientOptions
from ropewalk.client.phases import PhaseTimer
from ropewalk.client.twisted_body import BodyProducer
from ropewalk.client.twisted_response import TwistedResponse
from ropewalk.errors import optional_package, shown


class TwistedTransport:
    """Sends requests with Twisted's Agent on the installed reactor."""

    def __init__(self, options: HTTPClientOptions) -> None:
        from twisted.internet import reactor

        self._reactor: Any = reactor
        self._ca_file = options.ca_file
        self._policy: Any = None
        self._pool: Any = _Pool(reactor)
        self._pool.maxPersistentPerHost = options.idle_connections
        self._pool.cachedConnectionTimeout = options.idle_timeout  # type: ignore[assignment] # seconds, as a float
        self._pool.retryAutomatically = False  # the client retries itself

    async def send(self, request: OutgoingRequest) -> TwistedResponse:
        """Send a request, and return when the head of the response has arrived. Raises ClientError."""
        timer = PhaseTimer(request.timeouts)
        head = HeadLimit()
        endpoints = _Endpoints(self._endpoint, timer, head, has_body=request.body is not None)
        agent = Agent.usingEndpointFactory(self._reactor, endpoints, pool=self._pool)
        headers = TwistedHeaders()
        for name, value in request.headers.lines():
            if name != "content-length":  # the Agent sends the length of the body itself
                headers.addRawHeader(name.encode("ascii"), value.encode("latin-1"))
        body = None if request.body is None else BodyProducer(request, timer)
        try:
            sent: Any = agent.request(request.method.encode("ascii"), str(request.url).encode("ascii"), headers, body)
            timer.begin(sent.cancel, None if timer.phase is not None or body is not None else "read")
            response = await _cancellable(sent)
        except Exception as error:
            translated = _translated(error, request, timer, head)
            if translated is error:
                raise
            raise translated from error
        finally:
            timer.stop()
            head.end()
        received = TwistedResponse(request, response)
        try:
            received.check()
        except ConnectionBroken:
            await received.close()
            raise
        return received

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.closeCachedConnections()

    def _endpoint(self, uri: Any, seconds: float | None) -> IStreamClientEndpoint:
        host = uri.host.strip(b"[]")
        endpoint = HostnameEndpoint(self._reactor, host, uri.port, timeout=seconds or 1e6)
        if uri.scheme == b"http":
            return endpoint
        if self._policy is None:
            self._policy = _policy(self._ca_file)
        return wrapClientTLS(self._policy.creatorForNetloc(host, uri.port), endpoint)


class _Pool(HTTPConnectionPool):
    """A pool that limits the heads of responses, and does not use a connection again that the service has closed.

    Twisted's own pool does neither. It is notified of the end of a connection only when the reactor runs again, and a
    request that is sent before that fails, even one that must not be repeated.
    """

    def __init__(self, reactor: Any) -> None:
        super().__init__(reactor)  # type: ignore[no-untyped-call] # Twisted's, without annotations
        self._seen: WeakSet[Any] = WeakSet()

    def getConnection(self, key: Any, endpoint: Any) -> Deferred[Any]:
        found: Deferred[Any] = super().getConnection(key, endpoint)

        def check(connection: Any) -> Any:
            if connection in self._seen and _has_input(connection.transport):
                connection.abort()
                return self.getConnection(key, endpoint)
            self._seen.add(connection)
            return endpoint.limit_head(connection)

        return found.addCallback(check)


def _has_input(transport: Any) -> bool:
    """Whether an idle connection has ended, or has received something. Then no request can be sent on it."""
    descriptor = transport.fileno()
    if descriptor < 0:
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


@implementer(IAgentEndpointFactory)
class _Endpoints:
    """Makes the endpoint of one request, whose connection is timed."""

    def __init__(
        self, make: Callable[[Any, float | None], Any], timer: PhaseTimer, head: HeadLimit, *, has_body: bool
    ) -> None:
        self._make = make
        self._timer = timer
        self._head = head
        self._has_body = has_body

    def endpointForURI(self, uri: Any) -> "_TimedEndpoint":
        return _TimedEndpoint(
            self._make(uri, self._timer.timeouts.connect), self._timer, self._head, has_body=self._has_body
        )


@implementer(IStreamClientEndpoint)
class _TimedEndpoint:
    def __init__(self, endpoint: Any, timer: PhaseTimer, head: HeadLimit, *, has_body: bool) -> None:
        self._endpoint = endpoint
        self.limit_head = head.begin
        self._timer = timer
        self._has_body = has_body

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        self._timer.start("connect")
        protocolFactory.noisy = False  # otherwise, each connection has two lines in the log
        connected: Deferred[Any] = self._endpoint.connect(protocolFactory)
        return connected.addCallback(self._connected)

    def _connected(self, protocol: Any) -> Any:
        if self._has_body:
            self._timer.stop()
        else:
            self._timer.start("read")
        return protocol


def _cancellable(sent: Deferred[Any]) -> Deferred[Any]:
    """A Deferred that fails with CancelledError if it is cancelled. The Agent's own Deferred fails with an error that
    looks as if the connection was lost, after which the client would send the request again."""
    cancelled = False

    def cancel(_: Deferred[Any]) -> None:
        nonlocal cancelled
        cancelled = True
        sent.cancel()

    def fire(result: Any) -> None:
        if cancelled:
            outer.errback(CancelledError())
        else:
            outer.callback(result)

    outer: Deferred[Any] = Deferred(cancel)
    sent.addBoth(fire)
    return outer


def _policy(ca_file: str | Path | None) -> Any:
    optional_package("OpenSSL", "pyOpenSSL", "A call over HTTPS with Twisted's Agent", extra="client", code="RW360")
    if ca_file is None:
        return BrowserLikePolicyForHTTPS()
    from twisted.internet.ssl import Certificate, trustRootFromCertificates

    begin = "-----BEGIN CERTIFICATE-----"
    texts = Path(ca_file).read_text(encoding="ascii").split(begin)[1:]
    return BrowserLikePolicyForHTTPS(
        trustRootFromCertificates([Certificate.loadPEM(f"{begin}{each}".encode()) for each in texts])
    )


def _translated(error: Exception, request: OutgoingRequest, timer: PhaseTimer, head: HeadLimit) -> Exception:
    call: Any = {"method": request.method, "url": str(request.url)}
    if head.exceeded:
        return ConnectionBroken(f"The head of the response has more than {HeadLimit.MOST} bytes.", **call)
    if timer.expired is not None:
        return CallTimeout.of(timer.expired, getattr(request.timeouts, timer.expired), **call)
    causes = [failure.value for failure in getattr(error, "reasons", ())]
    cause = causes[0] if causes else error
    if isinstance(error, BodyFailed) and isinstance(cause, Exception):
        return cause  # the exception that the body raised
    if isinstance(cause, CancelledError):
        return cause
    what = f"{type(cause).__name__}: {shown(str(cause))}."
    if isinstance(cause, ConnectTimeout):
        return CallTimeout.of("connect", request.timeouts.connect or 0, **call)
    if isinstance(cause, ConnectError | DNSLookupError) or type(cause).__module__.startswith("OpenSSL"):
        return ConnectionFailed(what, **call)
    if isinstance(cause, ValueError | TypeError | ImportError) and not causes:
        return cause
    return ConnectionBroken(what, **call)
