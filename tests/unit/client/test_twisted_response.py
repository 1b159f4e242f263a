"""How a response of Twisted's Agent reads its connection."""

from typing import Any

from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http_headers import Headers as TwistedHeaders

from ropewalk.calling import start
from ropewalk.client.exchange import OutgoingRequest
from ropewalk.client.timeouts import Timeouts
from ropewalk.client.twisted_response import TwistedResponse
from ropewalk.client.urls import parse_url
from ropewalk.headers import Headers

KIB = 1 << 10


class FakeConnection:
    """The transport that the Agent gives to the protocol of a body."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def pauseProducing(self) -> None:
        self.calls.append("pause")

    def resumeProducing(self) -> None:
        self.calls.append("resume")


class FakeResponse:
    """A response of the Agent."""

    code = 200
    length = 0

    def __init__(self) -> None:
        self.headers = TwistedHeaders()
        self.connection = FakeConnection()
        self.protocol: Any = None

    def deliverBody(self, protocol: Any) -> None:
        self.protocol = protocol
        protocol.makeConnection(self.connection)


def result_of(coroutine: Any) -> Any:
    found: list[Any] = []
    start(coroutine).addBoth(found.append)
    return found[0] if found else None


def test_the_connection_is_paused_while_the_body_is_not_read() -> None:
    request = OutgoingRequest("GET", parse_url("http://a/"), Headers(), None, Timeouts(read=None))
    agents = FakeResponse()
    calls = agents.connection.calls
    response = TwistedResponse(request, agents)
    agents.protocol.dataReceived(b"a" * 63 * KIB)
    assert calls == []
    agents.protocol.dataReceived(b"b" * KIB)
    assert calls == ["pause"]
    agents.protocol.dataReceived(b"c")  # bytes that were read before the pause; they do not pause the connection again
    assert calls == ["pause"]
    assert result_of(response.read()) == b"a" * 63 * KIB
    assert result_of(response.read()) == b"b" * KIB
    assert calls == ["pause"]
    assert result_of(response.read()) == b"c"
    assert calls == ["pause", "resume"]
    agents.protocol.dataReceived(b"d" * 64 * KIB)
    assert calls == ["pause", "resume", "pause"]
    agents.protocol.connectionLost(Failure(ResponseDone()))
    assert result_of(response.read()) == b"d" * 64 * KIB
    assert calls == ["pause", "resume", "pause"]  # the connection has ended, so it is not resumed
    assert result_of(response.read()) is None
