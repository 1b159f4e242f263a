"""Counts the requests of a corpus on both sides of a connection between a proxy and its server."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.proxies.corpus import PATH_LENGTH, Case
from tests.proxies.exchange import PATIENCE, Address, History, send
from tests.proxies.relay import Relay, Upstream, responses, stamps

MOMENT = 0.01
"""How many seconds a `halting` client waits for the proxy to forward a head. Proxies usually need less."""


@dataclass
class Counts:
    """The result of sending a corpus through a proxy."""

    cases: int = 0
    held_back: int = 0
    """Cases in which the proxy forwarded no request."""
    refused: int = 0
    """Cases in which we refused something that the proxy had forwarded."""
    served: int = 0
    """Cases that were forwarded and served."""
    forwarded: int = 0
    """Requests that the proxy forwarded, including those of innocent clients."""
    connections: int = 0
    """Connections on which the proxy forwarded requests."""
    differences: list[str] = field(default_factory=list)
    """The differences in the counts, and responses that went to the wrong client."""

    def row(self) -> str:
        """A line of the table in the documentation."""
        columns = (self.cases, self.held_back, self.refused, self.served, self.forwarded, self.connections)
        return " | ".join(map(str, (*columns, len(self.differences))))


def count(corpus: Sequence[Case], front: Address, relay: Relay, history: History, *, halting: bool = False) -> Counts:
    """Sends each case to the proxy on a new connection, and then an innocent request on another one.

    A `halting` client sends the first head, waits until the proxy has forwarded it, or for `MOMENT`, and then sends the
    rest.
    """
    counts = Counts(cases=len(corpus))
    history.read()
    for number, case in enumerate(corpus):
        path = f"{number:0{PATH_LENGTH}}"
        news = News(relay.upstreams, history)
        head, end, rest = case.data(path).partition(b"\r\n\r\n")
        parts = (head + end, rest) if halting else (head + end + rest,)
        received = send(front, *parts, between=news.wait_for_first)
        innocent = send(front, b"GET /%s/innocent HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % path.encode())
        news.settle()
        counts.held_back += news.forwarded() == 1
        counts.refused += news.refused() > 0
        counts.served += news.forwarded() > 1 and news.refused() == 0
        found = [*news.differences(), *news.misled(received), *news.harmed(innocent, f"/{path}/innocent")]
        counts.forwarded += news.forwarded()
        counts.differences += [f"{case.name}: {difference}" for difference in found]
    counts.connections = sum(bool(upstream.asked) for upstream in relay.upstreams)
    return counts


class News:
    """The connections of a proxy and the requests in the service, since this object was created."""

    def __init__(self, upstreams: Sequence[Upstream], history: History) -> None:
        self._upstreams = upstreams
        self._history = history
        self._known = len(history.requests)
        self._before = [upstream.so_far() for upstream in upstreams]

    def wait_for_first(self) -> None:
        """Wait until something was forwarded, for at most `MOMENT`."""
        until = time.monotonic() + MOMENT
        while not self.forwarded() and time.monotonic() < until:
            time.sleep(0.001)  # the pause between two checks

    def settle(self) -> None:
        """Wait until every forwarded request has its response, or has lost its connection."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if all(len(asked) <= len(given) or upstream.over for upstream, asked, given in self._by_connection()):
                break
            time.sleep(0.01)  # the pause between two checks
        self._history.read()

    def forwarded(self) -> int:
        """How many requests the proxy has forwarded."""
        return sum(len(asked) for _, asked, _ in self._by_connection())

    def refused(self) -> int:
        """How many responses the engine sent without a handler."""
        return sum(serial is None for _, _, given in self._by_connection() for _, serial in given)

    def differences(self) -> Iterator[str]:
        """Yield the differences between the requests that the proxy forwarded and those that we received."""
        numbers = {stamp: number for number, (_, _, stamp) in enumerate(self._history.requests)}
        forwarded = {stamp for _, asked, _ in self._by_connection() for stamp in asked}
        for number, (method, target, stamp) in enumerate(self._history.requests[self._known :], self._known):
            if stamp is None or stamp not in forwarded:
                yield f"{method} {target} was not forwarded as a request"
            elif numbers[stamp] != number:
                yield f"{method} {target} came twice"
        for upstream, asked, given in self._by_connection():
            if len(given) > len(asked):
                yield f"{len(given)} answers to {len(asked)} forwarded requests"
            cut = len(asked) - len(given)
            if cut > 1 or (cut == 1 and not upstream.over):
                yield f"{cut} forwarded requests without an answer"
            for stamp, (status, serial) in zip(asked, given, strict=False):
                if serial is not None and numbers.get(stamp) != serial:
                    yield f"the request {stamp} got the answer of another, {status}"
                if serial is None and (stamp in numbers or stamp != asked[-1]):
                    yield f"something else than the request {stamp} was refused by {status}"

    def misled(self, received: bytes) -> Iterator[str]:
        """Yield the errors in the responses that the client received."""
        serials = [serial for _, serial in responses(received) if serial is not None]
        if serials != sorted(set(serials)) or any(serial < self._known for serial in serials):
            yield f"the client got the answers {serials}; new ones are from {self._known} on"

    def harmed(self, received: bytes, target: str) -> Iterator[str]:
        """Yield the errors in the response that an innocent client received."""
        requests = self._history.requests
        got = [(status, None if serial is None else requests[serial][1]) for status, serial in responses(received)]
        if got != [(200, target)]:
            yield f"an innocent client got {got}"

    def _by_connection(self) -> Iterator[tuple[Upstream, list[str], list[tuple[int, int | None]]]]:
        """Each connection, the stamps of the requests that it carried, and their responses."""
        for index, upstream in enumerate(list(self._upstreams)):
            before = self._before[index] if index < len(self._before) else (0, 0)
            if upstream.so_far() != before:
                asked, returned = before
                yield upstream, stamps(bytes(upstream.asked[asked:])), responses(bytes(upstream.returned[returned:]))
