"""One attack on one server: the second client before and during it, and the resources of the server."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final

from benchmarks.attacks import crowd, second_client
from benchmarks.attacks.crowd import Tally
from benchmarks.attacks.lifetimes import INTERVAL, Lifetimes
from benchmarks.attacks.roster import Attack, Tool
from benchmarks.attacks.second_client import Outcome
from benchmarks.attacks.target import Counters, Target
from benchmarks.attacks.workers import SlowHttpTest, Worker

SERVER_CORE: Final = 0
LOAD_CORE: Final = 1
GRACE: Final = 5.0
"""Seconds by which a connection may outlive its limit."""
SETTLE_SECONDS: Final = 8.0
"""The longest time for the server to become idle after an attack, including `linger_timeout`."""
HEAD_START: Final = 1.0
"""Seconds in which the second client runs alone, while its process starts."""
MOST_LINES: Final = 50
"""The most lines that a server may log during an attack, however many requests it refuses."""
RATIO: Final = 2.0


@dataclass(slots=True)
class Resources:
    """The resources that the server uses at one moment."""

    resident_bytes: int
    descriptors: int
    cpu_seconds: float
    counters: dict[str, Any]

    @classmethod
    def of(cls, target: Target, counters: Counters) -> "Resources":
        found = counters.read()
        return cls(target.resident_bytes(), target.open_descriptors(), target.cpu_seconds(), found)


@dataclass(slots=True)
class Result:
    """The measurements of one attack."""

    attack: Attack
    alone: Outcome
    under: Outcome
    before: Resources
    after: Resources
    peak_bytes: int
    kernel_bytes: int
    most_connections: int
    left: int
    """The number of open connections at the end of the attack."""
    longest: float
    """The lifetime of a connection, in seconds."""
    seconds: float
    log: list[str]
    tally: Tally

    @property
    def bound_bytes(self) -> int:
        return self.before.resident_bytes + self.attack.bound()

    @property
    def ratio(self) -> float:
        return self.under.percentile(0.99) / self.alone.percentile(0.99)

    @property
    def cpu_seconds(self) -> float:
        """The server's CPU time during the attack, for the attack and for the second client."""
        return self.after.cpu_seconds - self.before.cpu_seconds

    @property
    def bytes_in(self) -> int:
        received: int = self.after.counters["bytes_in"] - self.before.counters["bytes_in"]
        return received

    def faults(self) -> Iterator[str]:
        """The errors that were found."""
        clock = self.attack.clock
        if self.alone.failed or self.under.failed:
            yield f"{self.alone.failed + self.under.failed} requests failed"
        if self.ratio > RATIO:
            yield "slower"
        if self.peak_bytes > self.bound_bytes:
            yield "memory"
        if clock and (self.left or self.longest > clock.seconds + GRACE):
            yield "outlived its limit"
        if self.after.descriptors > self.before.descriptors:
            yield "descriptors kept"
        if self.after.counters["open"] > self.before.counters["open"] or self.after.counters["running"] > 1:
            yield "counters"
        if len(self.log) > MOST_LINES:
            yield "log flooded"


def attempt(attack: Attack, seconds_alone: float) -> Result:
    """Start a server, attack it, and measure."""
    with (
        Target(attack.limits, descriptors=attack.descriptors, core=SERVER_CORE) as target,
        Counters(target.port) as counters,
    ):
        with Worker(second_client.serve, target.port, LOAD_CORE, True) as client:
            time.sleep(seconds_alone)
            alone: Outcome = client.stop()
        come_to_rest(target, counters)
        before = Resources.of(target, counters)
        target.forget_peak()
        with (
            Worker(second_client.serve, target.port, LOAD_CORE, attack.fresh) as client,
            Lifetimes(target.port) as lifetimes,
        ):
            time.sleep(HEAD_START)
            began = time.monotonic()
            with attackers(attack, target.port) as crowd_at_work:
                wait_for_the_end(attack, lifetimes, began)
                left = lifetimes.open
                tally: Tally = crowd_at_work.stop()
            seconds = time.monotonic() - began
            under: Outcome = client.stop()
        come_to_rest(target, counters, before.descriptors)
        return Result(
            attack=attack,
            alone=alone,
            under=under,
            before=before,
            after=Resources.of(target, counters),
            peak_bytes=target.peak_bytes(),
            kernel_bytes=lifetimes.kernel_bytes,
            most_connections=lifetimes.most,
            left=left,
            longest=lifetimes.longest,
            seconds=seconds,
            log=target.logged(),
            tally=tally,
        )


def attackers(attack: Attack, port: int) -> Worker | SlowHttpTest:
    assault = attack.assault
    if isinstance(assault, Tool):
        return SlowHttpTest(assault, port, attack.connections, attack.rate, attack.seconds, LOAD_CORE)
    return Worker(crowd.attack, port, assault, attack.connections, attack.rate, LOAD_CORE)


def wait_for_the_end(attack: Attack, lifetimes: Lifetimes, began: float) -> None:
    """Wait until all connections have ended, or the time of the attack is over."""
    opened = attack.connections / attack.rate + 2 * INTERVAL
    while (elapsed := time.monotonic() - began) < attack.seconds:
        if attack.clock and elapsed > opened and lifetimes.most and not lifetimes.open:
            return
        time.sleep(INTERVAL / 2)


def come_to_rest(target: Target, counters: Counters, descriptors: int | None = None) -> None:
    """Wait, up to a deadline, until only this process is connected and no more descriptors are open than before."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError, HTTPException):
            alone = counters.read()["open"] == 1
            if alone and (descriptors is None or target.open_descriptors() <= descriptors):
                return
        time.sleep(INTERVAL / 2)
