"""Password hashing, and the limit on how many hashes are computed at the same time."""

import asyncio
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import argon2
import pytest

from ropewalk import App, HTTPError, Request
from ropewalk.auth import MissingPackage, Passwords, PasswordsOptions, hash_password, needs_rehash, verify_password
from ropewalk.auth.bounded_threads import BoundedThreads
from ropewalk.auth.packages import optional
from ropewalk.testing import Client

CHEAP = PasswordsOptions(time_cost=1, memory_cost=8, parallelism=1)


def outcome(call: Callable[[], Any]) -> Any:
    """Return the result of a coroutine function that is called in a handler."""
    found = []
    app = App()

    @app.get("/")
    async def handler(request: Request) -> str:
        found.append(await call())
        return ""

    assert Client(app).get("/").status == 200
    return found[0]


def test_hash_and_verify() -> None:
    passwords = Passwords(CHEAP)
    hashed = outcome(lambda: passwords.hash_password("pässword"))
    assert hashed.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert hashed != outcome(lambda: passwords.hash_password("pässword"))
    assert outcome(lambda: passwords.verify_password("pässword", hashed)) is True
    assert outcome(lambda: passwords.verify_password("password", hashed)) is False
    assert outcome(lambda: passwords.verify_password("", hashed)) is False
    assert outcome(lambda: passwords.verify_password("\ud800", hashed)) is False
    assert outcome(lambda: passwords.verify_password("x" * 5000, hashed)) is False


def test_a_user_that_does_not_exist_costs_the_same() -> None:
    passwords = Passwords(CHEAP)
    verified: list[str] = []
    verify = passwords._hasher.verify

    class Recording:
        def verify(self, hashed: str, octets: bytes) -> bool:
            verified.append(hashed)
            return bool(verify(hashed, octets))

    passwords._hasher = Recording()
    assert outcome(lambda: passwords.verify_password("x", None)) is False
    costs = argon2.extract_parameters(verified[0])
    assert (costs.time_cost, costs.memory_cost, costs.parallelism, costs.hash_len) == (1, 8, 1, 32)


def test_rehash() -> None:
    hashed = outcome(lambda: Passwords(CHEAP).hash_password("x"))
    assert not Passwords(CHEAP).needs_rehash(hashed)
    assert Passwords(PasswordsOptions(time_cost=2, memory_cost=8, parallelism=1)).needs_rehash(hashed)
    assert needs_rehash(hashed)


def test_the_functions() -> None:
    hashed = outcome(lambda: hash_password("x"))
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert not needs_rehash(hashed)
    assert outcome(lambda: verify_password("x", hashed)) is True
    assert outcome(lambda: verify_password("y", None)) is False


def test_wrong_input() -> None:
    async def too_long() -> str:
        with pytest.raises(ValueError, match="4096"):
            await Passwords(CHEAP).hash_password("x" * 5000)
        with pytest.raises(argon2.exceptions.InvalidHashError, match=r"not an argon2 hash, .* For a user without"):
            await Passwords(CHEAP).verify_password("x", "plain text")
        return "refused"

    assert outcome(too_long) == "refused"


def test_the_number_of_threads_is_bounded() -> None:
    threads: BoundedThreads[int] = BoundedThreads(2, 3)
    begun: list[int] = []
    go = Event()

    def work(number: int) -> int:
        begun.append(number)
        assert go.wait(10)
        return number

    async def call() -> list[Any]:
        waits = [threads.call(work, number) for number in range(5)]
        with pytest.raises(HTTPError, match="503"):
            threads.call(work, 5)
        waits[3].addErrback(lambda _: None)
        waits[3].cancel()
        waits.append(threads.call(work, 6))  # takes the place of the cancelled call
        assert not set(begun) - {0, 1}
        go.set()
        return [await each for each in waits]

    assert outcome(call) == [0, 1, 2, None, 4, 6]
    assert sorted(begun) == [0, 1, 2, 4, 6]
    assert threads._running == 0


def test_a_cancelled_call_counts_until_its_thread_ends() -> None:
    threads: BoundedThreads[int] = BoundedThreads(1, 1)
    go = Event()

    async def call() -> int:
        first = threads.call(go.wait, 10)
        first.addErrback(lambda _: None)
        first.cancel()
        second = threads.call(int, "7")
        assert threads._running == 1
        assert len(threads._waiting) == 1
        go.set()
        return await second

    assert outcome(call) == 7


def test_a_thread_that_cannot_start_frees_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: BoundedThreads[int] = BoundedThreads(1, 1)

    def refuse(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def call() -> int:
        with monkeypatch.context() as patch:
            patch.setattr(Thread, "start", refuse)
            for _ in range(3):
                with pytest.raises(RuntimeError, match="can't start"):
                    await threads.call(int, "7")
        return await threads.call(int, "7")

    assert asyncio.run(call()) == 7
    assert threads._running == 0


def test_waiting_calls_for_which_no_thread_can_start(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: BoundedThreads[Any] = BoundedThreads(1, 2000)
    go = Event()

    def refuse(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def call() -> list[Any]:
        first = threads.call(go.wait, 10)
        waits = [threads.call(int, "7") for _ in range(2000)]
        with monkeypatch.context() as patch:
            patch.setattr(Thread, "start", refuse)
            go.set()
            assert await first
            return await asyncio.gather(*(_outcome(each) for each in waits))

    assert asyncio.run(call()) == ["can't start new thread"] * 2000
    assert threads._running == 0


async def _outcome(waiter: Any) -> str:
    with pytest.raises(RuntimeError) as raised:
        await waiter
    return str(raised.value)


def test_a_failure_frees_the_thread() -> None:
    threads: BoundedThreads[int] = BoundedThreads(1, 1)

    async def call() -> int:
        failing = threads.call(int, "x")
        second = threads.call(int, "7")
        with pytest.raises(ValueError, match="invalid literal"):
            await failing
        return await second

    assert outcome(call) == 7


def test_a_missing_package() -> None:
    with pytest.raises(MissingPackage, match=r"RW244 Hashing needs some-package.*ropewalk\[auth\]") as caught:
        optional("no_such_module_here", "some-package", "Hashing")
    assert isinstance(caught.value, ImportError)
