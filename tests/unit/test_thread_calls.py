"""Calls in threads. The tests of passwords make them in handlers, where the reactor delivers the results."""

import asyncio
import threading

import pytest
from twisted.internet.defer import CancelledError

from ropewalk.thread_calls import call_in_thread


def test_a_loop_without_a_reactor() -> None:
    async def main() -> None:
        assert await call_in_thread(threading.get_ident) != threading.get_ident()
        assert await call_in_thread(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await call_in_thread(divmod, 7, 0)

    asyncio.run(main())


def test_a_cancelled_wait() -> None:
    go = threading.Event()

    async def main() -> None:
        waiting = call_in_thread(go.wait, 20)
        waiting.cancel()
        with pytest.raises(CancelledError):
            await waiting
        go.set()

    asyncio.run(main())


def test_a_result_after_the_end_of_the_loop() -> None:
    go = threading.Event()
    ended: list[threading.Thread] = []

    def work() -> None:
        ended.append(threading.current_thread())
        assert go.wait(20)

    async def main() -> None:
        waiting = call_in_thread(work)
        waiting.addErrback(lambda _: None)
        waiting.cancel()

    asyncio.run(main())
    go.set()
    while not ended:
        pass
    ended[0].join(20)
    assert not ended[0].is_alive()
