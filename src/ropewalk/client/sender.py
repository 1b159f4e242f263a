"""`Sender`: sends the requests of a call, with retries and redirects."""

from asyncio import AbstractEventLoop
from asyncio import _get_running_loop as running_loop
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from random import random
from typing import Any
from weakref import WeakKeyDictionary

from ropewalk.client.back_ends import open_transport
from ropewalk.client.call import Call
from ropewalk.client.cookies import Cookies
from ropewalk.client.credentials import authorization
from ropewalk.client.errors import CallTimeout, ConnectionBroken, ConnectionFailed, RedirectRefused
from ropewalk.client.exchange import OutgoingRequest, Transport
from ropewalk.client.options import HTTPClientOptions
from ropewalk.client.redirects import redirected
from ropewalk.client.response import HTTPResponse
from ropewalk.client.retries import RetryBudget, retry_delay
from ropewalk.client.slots import Slots
from ropewalk.client.stream import HTTPStream
from ropewalk.client.timer import Timer
from ropewalk.waiting import Waiter

Finish = Callable[[HTTPStream], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class _Connections:
    """The connections of one event loop, or of the reactor."""

    transport: Transport
    slots: Slots


class Sender:
    """Sends the requests of a client's calls. Its connections belong to the event loop in which they were opened."""

    def __init__(self, options: HTTPClientOptions, transport: Transport | None) -> None:
        self.transport = transport
        """The transport of all calls. None if each event loop and the reactor get their own."""
        self.streams: set[HTTPStream] = set()
        """The responses that are not closed."""
        self._options = options
        self._budget = RetryBudget(options.retries)
        self._cookies = Cookies() if options.cookies else None
        self._slots = Slots(options.connections)
        self._of_loops: WeakKeyDictionary[AbstractEventLoop, _Connections] = WeakKeyDictionary()
        self._of_reactor: _Connections | None = None

    async def send(self, call: Call, finish: Finish) -> Any:
        """Send the request of a call, and follow redirects. `finish` makes the result from each response."""
        request = call.request
        auth = await authorization(call.auth, request)
        if auth is not None and "authorization" not in request.headers:
            request.headers["authorization"] = auth
        self._budget.note_request()
        followed = 0
        while True:
            result = await self._repeated(request, finish, repeatable=call.repeatable)
            if not call.redirects:
                return result
            try:
                following = redirected(
                    request, result.status, result.headers, cross_origin=self._options.cross_origin_redirects
                )
                if following is not None and followed >= call.redirects:
                    what = f"There were more than {call.redirects} redirects."
                    raise RedirectRefused(what, method=request.method, url=str(request.url))
            except BaseException:
                await _close(result)
                raise
            if following is None:
                return result
            await _close(result)
            followed += 1
            request = following

    async def close(self) -> None:
        """Close the connections of the current event loop or reactor. Later calls open new ones."""
        for stream in tuple(self.streams):
            await stream.release()
        if self.transport is not None:
            await self.transport.close()
        loop = running_loop()
        # With an asyncio reactor, both may exist: calls before its loop ran opened the connections of the reactor.
        opened = [None if loop is None else self._of_loops.pop(loop, None), self._of_reactor]
        self._of_reactor = None
        for connections in opened:
            if connections is not None:
                await connections.transport.close()

    async def _repeated(self, request: OutgoingRequest, finish: Finish, *, repeatable: bool) -> Any:
        """Send a request, and send it again after some failures."""
        retries = self._options.retries
        attempt = 1
        while True:
            try:
                result = await self._once(request, finish)
            except (ConnectionFailed, ConnectionBroken):
                delay = retry_delay(retries, attempt, None, random) if repeatable else None
                if delay is None or not self._budget.take():
                    raise
            else:
                if not repeatable or result.status not in retries.statuses:
                    return result
                delay = retry_delay(retries, attempt, result.headers, random)
                if delay is None or not self._budget.take():
                    return result
                await _close(result)
            await _sleep(delay)
            attempt += 1

    async def _once(self, request: OutgoingRequest, finish: Finish) -> Any:
        """Send a request once."""
        if self._cookies is not None:
            request = replace(request, headers=self._cookies.added(request))
        connections = self._connections()
        method, url, timeouts = request.method, str(request.url), request.timeouts
        await connections.slots.take(
            timeouts.pool, lambda: CallTimeout.of("pool", timeouts.pool or 0, method=method, url=url)
        )
        stream: HTTPStream | None = None

        def closed() -> None:
            connections.slots.release()
            if stream is not None:
                self.streams.discard(stream)

        try:
            incoming = await connections.transport.send(request)
        except BaseException:
            closed()
            raise
        stream = HTTPStream(request, incoming, decompress=self._options.decompress, closed=closed)
        self.streams.add(stream)
        if self._cookies is not None:
            self._cookies.store(request, incoming.headers)
        try:
            return await finish(stream)
        except BaseException:
            await stream.release()
            raise

    def _connections(self) -> _Connections:
        if self.transport is not None:
            return _Connections(self.transport, self._slots)
        loop = running_loop()
        found = self._of_reactor if loop is None else self._of_loops.get(loop)
        if found is None:
            found = _Connections(open_transport(self._options, loop), Slots(self._options.connections))
            if loop is None:
                self._of_reactor = found
            else:
                self._of_loops[loop] = found
        return found


async def _close(result: HTTPResponse | HTTPStream) -> None:
    if isinstance(result, HTTPStream):
        await result.release()


async def _sleep(seconds: float) -> None:
    waiter: Waiter[None] = Waiter()
    timer = Timer(seconds, lambda: waiter.callback(None), real=False)
    try:
        await waiter
    finally:
        timer.cancel()
