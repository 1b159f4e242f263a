"""Calls of a client that end at once, as those to a fake service do."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ropewalk.client import HTTPClient, HTTPClientOptions
from ropewalk.testing import FakeService
from ropewalk.waiting import Waiter


def result_of(waiter: Waiter[Any]) -> Any:
    """The result of a call that has ended, or its exception raised."""
    found: list[Any] = []
    waiter.addBoth(found.append)
    [result] = found
    if isinstance(result, Failure):
        result.raiseException()
    return result


def called(fake: FakeService, method: str = "GET", url: str = "/", *, options: Any = None, **call: Any) -> Any:
    return result_of(HTTPClient(options or HTTPClientOptions(), transport=fake).request(method, url, **call))


class Silent:
    """A transport that sends nothing."""

    def __init__(self) -> None:
        self.waiting: list[Deferred[Any]] = []
        self.closed = False

    async def send(self, request: Any) -> Any:
        waiting: Deferred[Any] = Deferred()
        self.waiting.append(waiting)
        return await waiting

    async def close(self) -> None:
        self.closed = True
