"""The program of `test_sharing`: clients on several loops and in several threads share one reactor.

python -m tests.unit.testing.sharing REACTOR SCENARIO
"""

import asyncio
import importlib
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.testing.reactors import REACTORS, make_app

from ropewalk import App, Request
from ropewalk.testing import AsyncClient, Client, ReactorInUse

PATHS = ("/delayed", "/in_a_thread", "/from_a_thread", "/both")


async def use(client: AsyncClient) -> None:
    for path in PATHS:
        response = await client.get(path)
        assert response.text == "well", response.text


def interleaved(*, first_leaves_first: bool) -> None:
    """Two clients on two loops are used alternately. Each loop is closed when its client has been closed."""
    entered = []
    for loop in (asyncio.new_event_loop(), asyncio.new_event_loop()):
        client = AsyncClient(make_app([]))
        loop.run_until_complete(client.__aenter__())
        entered.append((loop, client))
    for loop, client in entered * 2:
        loop.run_until_complete(use(client))
    with Client(make_app([])) as plain:  # on the loop of the asyncio reactor
        for loop, client in entered:
            loop.run_until_complete(use(client))
            assert plain.get("/delayed").text == "well"
    for loop, client in entered if first_leaves_first else reversed(entered):
        loop.run_until_complete(use(client))
        loop.run_until_complete(client.__aexit__(None, None, None))
        loop.close()


def interleaved_first() -> None:
    interleaved(first_leaves_first=True)


def interleaved_last() -> None:
    interleaved(first_leaves_first=False)


def streamed() -> None:
    """A response that has begun on one loop continues there after another loop has used the reactor."""
    from twisted.internet import reactor as installed
    from twisted.internet.task import deferLater

    reactor: Any = installed
    app = App()

    @app.get("/")
    async def handler(request: Request) -> Any:
        yield b"one"
        await deferLater(reactor, 0.001)
        yield b"two"

    async def rest(response: Any) -> bytes:
        return b"".join([part async for part in response])

    loop = asyncio.new_event_loop()
    response = loop.run_until_complete(AsyncClient(app).stream("GET", "/"))
    with asyncio.Runner() as runner:
        runner.run(use(AsyncClient(make_app([]))))
    assert loop.run_until_complete(rest(response)) == b"onetwo"
    response.close()
    loop.close()


def in_threads() -> None:
    """While one thread has a client on the reactor, a second thread is refused at once. When the first has closed its
    client, the second can use the reactor."""
    with Client(make_app([])) as client:
        in_thread(refused)
        in_thread(refused_in_coroutines)
        assert client.get("/both").text == "well"
    in_thread(served)
    with Client(make_app([])) as client:
        assert client.get("/both").text == "well"


def refused() -> None:
    client = Client(make_app([]))
    notified = "RW223 Clients in the thread MainThread use the reactor, .* those in another cannot. Use one thread"
    with pytest.raises(ReactorInUse, match=notified):
        client.get("/delayed")
    with pytest.raises(ReactorInUse, match=notified):
        client.__enter__()
    client.close()


def refused_in_coroutines() -> None:
    async def main() -> None:
        with pytest.raises(ReactorInUse):
            await AsyncClient(make_app([])).get("/delayed")
        loop: Any = asyncio.get_running_loop()
        assert [each for each in loop._scheduled if not each.cancelled()] == []

    asyncio.run(main())


def served() -> None:
    with Client(make_app([])) as client:
        assert client.get("/both").text == "well"


def unclosed() -> None:
    """A thread that ended without closing its client does not block the reactor for others."""
    clients = []

    def enter() -> None:
        clients.append(Client(make_app([])))
        clients[0].__enter__()

    in_thread(enter)
    served()
    assert clients[0].get("/delayed").text == "well"
    clients[0].__exit__(None, None, None)


def many_threads() -> None:
    """If several threads start at the same time, at least one is served. The others are refused and do not wait."""
    barrier = threading.Barrier(4)
    outcomes: list[str] = []

    def work() -> None:
        barrier.wait()
        for _ in range(5):
            try:
                with Client(make_app([])) as client:
                    outcomes.append(client.get("/delayed").text)
            except ReactorInUse:
                outcomes.append("refused")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 20, outcomes
    assert set(outcomes) <= {"well", "refused"}, outcomes
    assert "well" in outcomes, outcomes


def imported_late() -> None:
    """The reactor is imported while a request and a hook wait in two threads, and a third thread uses it first."""
    begun = threading.Semaphore(0)
    taken = threading.Event()
    app = App()

    @app.on_start
    async def wait() -> None:
        begun.release()
        taken.wait()  # blocks the loop
        await asyncio.Event().wait()

    app.get("/")(lambda request: wait())

    client, entering = Client(app, timeout=None), Client(app, timeout=None)
    refusals: list[str] = []

    def work(call: Callable[[], object]) -> None:
        try:
            call()
        except ReactorInUse as error:
            refusals.append(error.code)

    calls: list[Callable[[], object]] = [lambda: client.get("/"), entering.__enter__]
    threads = [threading.Thread(target=work, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
        begun.acquire()
    importlib.import_module("twisted.internet.reactor")
    with Client(make_app([])) as first:
        taken.set()
        for thread in threads:
            thread.join()
        assert refusals == ["RW223"] * 2, refusals
        assert first.get("/both").text == "well"


def in_thread(work: Callable[[], None]) -> None:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is raised below
            errors.append(error)

    thread = threading.Thread(target=run, name="another")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


SCENARIOS: dict[str, Callable[[], None]] = {
    scenario.__name__: scenario
    for scenario in (interleaved_first, interleaved_last, streamed, in_threads, unclosed, many_threads)
}


def main(reactor_kind: str, scenario: str) -> None:
    if reactor_kind == "none":
        imported_late()
    else:
        importlib.import_module(f"twisted.internet.{REACTORS[reactor_kind]}").install()
    from twisted.internet import reactor as installed

    reactor: Any = installed
    home = getattr(reactor, "_asyncioEventloop", None)
    if reactor_kind != "none":
        SCENARIOS[scenario]()
    assert getattr(reactor, "_asyncioEventloop", None) is home
    assert reactor.getDelayedCalls() == []
    assert reactor.threadpool is None
    seen: list[str] = []
    reactor.callLater(0, seen.append, "called")
    reactor.callWhenRunning(reactor.callInThread, reactor.callFromThread, reactor.callLater, 0, reactor.stop)
    reactor.run()
    assert seen == ["called"]
    if home is not None:
        home.close()
    print("well")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
