"""The end of connections. Applications get the same calls as from Twisted, in the same order."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.dropin.carriers import CARRIERS, Carrier, beside
from tests.unit.dropin.connection.connection_endings import KINDS, PHASES, SERVED, Scenario, calls_in, calls_of_twisted
from tests.unit.dropin.connection.sites import Page
from tests.unit.dropin.connection.test_upgrade import reset
from tests.unit.dropin.world import WAYS, World
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.protocol import Protocol
from twisted.web.server import NOT_DONE_YET, Site
from twisted.web.static import File

from ropewalk.dropin.connection.factory_engine import limits_of

BY_CLIENT = ("close", "reset", "pipelined")
BY_PROGRAM = (
    *("program: transport.loseConnection", "program: transport.abortConnection", "program: channel.forceAbortClient"),
    *("handler: transport.loseConnection", "handler: transport.abortConnection", "handler: channel.forceAbortClient"),
)
CALLED_FOR_EVER = (
    "program: channel.loseConnection",
    "program: request.loseConnection",
    "handler: channel.loseConnection",
)
"""After these events, Twisted's transport does not stop the producer, and calls a pull producer for ever."""
BY_SERVER = ("stop", "stop twice")

SCENARIOS = [
    *(
        Scenario(end, phase, kind)
        for end in (*BY_CLIENT, *BY_PROGRAM)
        for phase in (PHASES[1:] if end.startswith(("handler: ", "pipelined")) else PHASES)
        for kind in KINDS
    ),
    *(Scenario(end, phase, kind) for end in CALLED_FOR_EVER for phase in PHASES[1:] for kind in ("none", "push")),
    *(Scenario("half-close", phase, kind) for phase in PHASES for kind in ("none", "push")),
    *(Scenario("half-close", phase, "pull") for phase in ("body", "before")),
    *(Scenario(end, phase, kind) for end in BY_SERVER for phase in PHASES for kind in KINDS),
    *(Scenario(end, phase) for end in ("close", "reset", "half-close", "stop") for phase in ("idle", "after")),
    Scenario("silence", "after"),
    Scenario("silence", "body"),
    Scenario("last", "after"),
]

DEEDS = (
    *("unregister", "finish", "write", "unregister and finish", "register", "register instead"),
    *("close", "close transport", "abort", "notify"),
)
REENTRANT = [
    Scenario(end, phase, kind, hook, deed)
    for end, phase, kind in (
        ("close", "before", "push"),
        ("reset", "during", "pull"),
        (BY_PROGRAM[0], "during", "push"),
    )
    for hook in ("stopProducing", "connectionLost", "errback")
    for deed in DEEDS
]


def comparable(scenario: Scenario, transport: str, way: str) -> bool:
    """Whether Twisted makes the same calls in each run. Otherwise, they depend on timing and cannot be compared."""
    if way != "fed":
        return True
    if scenario.end.startswith("stop") or (scenario.kind, scenario.phase) == ("pull", "during"):
        return False
    return transport != "tls" or (
        scenario.phase in ("body", "before") and scenario.end in ("close", "reset", "pipelined")
    )


@pytest.mark.parametrize(
    ("transport", "way", "scenario"),
    [(*served, scenario) for served in SERVED for scenario in SCENARIOS if comparable(scenario, *served)],
    ids=str,
)
def test_programs_get_the_calls_that_twisted_makes(transport: str, way: str, scenario: Scenario) -> None:
    assert calls_in(scenario, transport, way) == list(calls_of_twisted(scenario, transport))


@pytest.mark.parametrize("way", ["accepted", "adopted"])
@pytest.mark.parametrize("scenario", REENTRANT, ids=str)
def test_programs_may_do_in_these_calls_what_they_may_on_twisted(scenario: Scenario, way: str) -> None:
    assert calls_in(scenario, "tcp", way) == list(calls_of_twisted(scenario, "tcp"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "scenario", [Scenario(end, phase, "pull") for end in CALLED_FOR_EVER for phase in PHASES[1:]], ids=str
)
def test_a_pull_producer_that_twisted_would_call_for_ever_is_stopped(way: str, scenario: Scenario) -> None:
    calls = calls_in(scenario, "tcp", way)
    assert [call[0] for call in calls] == ["channel lost", "stopProducing", "connectionLost", "errback", "client"]
    assert {call[1] for call in calls if call[0] in ("connectionLost", "errback")} == {"ConnectionDone"}


class Raising:
    """A producer whose `stopProducing` raises."""

    def resumeProducing(self) -> None: ...
    def pauseProducing(self) -> None: ...
    def stopProducing(self) -> None:
        raise ZeroDivisionError


class Lacking:
    """A producer without a `stopProducing`."""

    def resumeProducing(self) -> None: ...
    def pauseProducing(self) -> None: ...


@pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")  # Twisted causes this warning
@pytest.mark.parametrize("producer", [Raising, Lacking])
@pytest.mark.parametrize("streaming", [True, False], ids=["push", "pull"])
@pytest.mark.parametrize("name", CARRIERS)
def test_a_producer_that_fails_when_it_is_stopped_prevents_no_call(
    there: World, tmp_path: Path, log: Log, name: str, streaming: bool, producer: type[Any]
) -> None:
    """If a producer raises when it is stopped, all other objects are still notified that the connection has ended. With
    Twisted's channel, none of them would be."""
    lost: list[Any] = []
    requests: list[Any] = []

    def render(request: Any) -> Any:
        requests.append(request)
        request.notifyFinish().addErrback(lambda failure: lost.append(failure.type))
        request.registerProducer(producer(), streaming)
        return NOT_DONE_YET

    site = Site(Page(render), reactor=there.reactor)
    client = Carrier(there, name, tmp_path).serve(site).connect()
    client.get()
    there.until(lambda: requests)
    reset(client) if name == "tls" else client.socket.close()
    there.until(lambda: lost)
    assert len(lost) == 1
    assert log.text.count("failed when it was stopped") == 1
    assert vars(site)["_ropewalk"].engine.connections == 0


def test_a_producer_of_an_upgraded_connection_without_stopProducing_prevents_no_call(there: World, log: Log) -> None:
    lost: list[Any] = []

    class Raw(Protocol):
        def connectionLost(self, reason: Any = None) -> None:
            lost.append(reason.type)

    def render(request: Any) -> Any:
        transport = request.channel.transport
        transport.protocol = Raw()
        transport.unregisterProducer()
        transport.registerProducer(Lacking(), True)
        transport.write(b"raw")
        return NOT_DONE_YET

    client = there.connect(there.listen(Site(Page(render), reactor=there.reactor)))
    client.get()
    client.until(b"raw")
    client.socket.close()
    there.until(lambda: lost)
    assert lost == [ConnectionDone]
    assert "failed when it was stopped" in log.text


@pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")
@pytest.mark.parametrize("name", CARRIERS)
def test_a_producer_that_fails_when_it_is_resumed_ends_its_connection(
    there: World, tmp_path: Path, log: Log, name: str
) -> None:
    """If a producer raises when it is resumed, its connection ends, and the application gets the same calls as with
    Twisted's transports."""
    del log  # it contains the event of the error, which refers to the request

    class Failing:
        def pauseProducing(self) -> None: ...
        def stopProducing(self) -> None: ...
        def resumeProducing(self) -> None:
            raise ZeroDivisionError

    def act(carrier: Carrier) -> list[Any]:
        lost: list[Any] = []

        def render(request: Any) -> Any:
            request.notifyFinish().addErrback(lambda failure: lost.append(failure.type))
            request.registerProducer(Failing(), True)
            request.write(b"x" * 5_000_000)
            return NOT_DONE_YET

        client = carrier.serve(Site(Page(render), reactor=there.reactor)).connect()
        client.get()

        def over() -> bool:
            client.read()
            return bool(lost)

        there.until(over, "the end of the connection")
        return lost

    stock, engine = beside(there, name, tmp_path, act)
    assert engine == stock
    assert len(engine) == 1


def leave(client: Any) -> None:
    client.socket.close()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("leaving", [leave, reset])
@pytest.mark.parametrize("fields", [(), ("Range: bytes=1-",)], ids=["whole", "range"])
def test_aborted_downloads_leave_no_file_open(
    there: World, tmp_path: Path, log: Log, way: str, leaving: Callable[[Any], None], fields: tuple[str, ...]
) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    port = there.listen(Site(File(str(tmp_path)), reactor=there.reactor), way)
    clients = [there.connect(port) for _ in range(8)]
    for client in clients:
        client.get("/large", *fields)
        there.until(client.read)
    assert opened(path) == len(clients)
    for client in clients:
        leaving(client)
    there.until(lambda: not opened(path), "the end of the last file")
    assert not [event for event in log if "log_failure" in event]


def opened(path: Path) -> int:
    """Return how many descriptors of the process belong to a file."""
    count = 0
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the descriptor of the folder itself
            count += each.readlink() == path
    return count


def test_a_shutdown_stops_the_producer_of_an_event_stream(there: World) -> None:
    """The stop ends the event stream, before the reactor would cut the connection off."""
    notified: list[Any] = []

    class Events:
        def resumeProducing(self) -> None: ...
        def pauseProducing(self) -> None: ...
        def stopProducing(self) -> None:
            notified.append("stopped")

    def render(request: Any) -> Any:
        request.notifyFinish().addErrback(lambda failure: notified.append(failure.type))
        request.registerProducer(Events(), True)
        request.setHeader(b"Content-Type", b"text/event-stream")
        request.write(b"data: 1\n\n")
        return NOT_DONE_YET

    client = there.connect(there.listen(Site(Page(render), reactor=there.reactor)))
    client.get()
    client.until(b"data: 1\n\n\r\n")
    there.reactor.fireSystemEvent("shutdown")
    there.until(lambda: len(notified) == 2)
    assert notified == ["stopped", ConnectionDone]


def test_a_client_that_reads_nothing_is_a_lost_connection(there: World) -> None:
    notified: list[Any] = []

    class Flood:
        def __init__(self, request: Any) -> None:
            self._request = request

        def resumeProducing(self) -> None:
            self._request.write(b"x" * 10_000)

        def stopProducing(self) -> None:
            notified.append("stopped")

    def render(request: Any) -> Any:
        request.notifyFinish().addErrback(lambda failure: notified.append(failure.type))
        request.registerProducer(Flood(request), False)
        return NOT_DONE_YET

    site = Site(Page(render), reactor=there.reactor)
    client = there.connect(there.listen(site, limits=limits_of(site, {"write_timeout": 0.1})))
    client.get()
    there.until(lambda: len(notified) == 2)
    assert notified == ["stopped", ConnectionLost]
