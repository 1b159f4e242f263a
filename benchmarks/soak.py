"""Tests whether memory and descriptors stay constant over millions of requests, connections and clients that vanish.

A server gets rounds of every kind of load. Its resident memory is read and its descriptors are counted before the first
round and after each round. The exit status is 1 if more descriptors are open at the end than at the start, or if the
memory has grown by more than `ALLOWED` since the first tenth of the load.
"""

import argparse
import dataclasses
import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import load
from benchmarks.machine import Machine
from benchmarks.peers.contract import HOST
from benchmarks.prepare import HERE, PYTHON
from benchmarks.roster import PEERS, PROGRAMS, Peer
from benchmarks.server import LOAD_CORE, Server
from benchmarks.vanishing import vanish

RESULTS: Final = HERE / "results"
ALLOWED: Final = 0.05
REST_SECONDS: Final = 2
LIMIT_SECONDS: Final = 1_200
"""A slow server is stopped after this time, and the result shows how much it has served."""
PATHS: Final = 2_000
"""The paths differ in every slice of this kind, so that an unbounded cache of paths is detected."""
FAILING: Final = ("/raises", "/breaks", "/refused")
"""The loads with which the server settles before the first reading, each for `SETTLING_SECONDS`."""
SETTLING_SECONDS: Final = 8
ABORTS: Final = 12_000
"""Clients that vanish in a round."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Some seconds of one kind of load."""

    path: str
    script: str = "get"
    arguments: tuple[str, ...] = ()
    connections: int = 64
    connects: bool = False
    """Whether every request has a connection of its own."""
    seconds: int = 1


@dataclass(frozen=True, slots=True)
class Reading:
    """The load that the server has had so far, and its memory and descriptors."""

    requests: int = 0
    connects: int = 0
    aborts: int = 0
    resident_bytes: int = 0
    descriptors: int = 0

    def reaches(self, goal: "Reading", share: float) -> bool:
        """Whether this share of the goal is reached."""
        return (
            self.requests >= share * goal.requests
            and self.connects >= share * goal.connects
            and self.aborts >= share * goal.aborts
        )


def main() -> None:
    options = arguments()
    os.sched_setaffinity(0, {LOAD_CORE})
    peer = next(peer for peer in PEERS if peer.name == options.peer)
    goal = Reading(options.requests, options.connects, options.aborts)
    machine = Machine.look(0, 1)
    with Server(with_failures(peer), routes=10) as server:
        readings = soak(server, mix(peer), goal)
    verdict = Verdict.of(readings, goal)
    write(peer, machine, readings, verdict)
    if not readings[-1].reaches(goal, 1):
        sys.exit(f"Stopped after {LIMIT_SECONDS} s, before all requests were made.")
    sys.exit(not verdict.good)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peer", choices=[peer.name for peer in PEERS], default="ropewalk")
    parser.add_argument("--requests", type=int, default=20_000_000, help="in all (default: %(default)s)")
    parser.add_argument("--connects", type=int, default=100_000, help="connections in all (default: %(default)s)")
    parser.add_argument("--aborts", type=int, default=100_000, help="clients that vanish (default: %(default)s)")
    return parser.parse_args()


def mix(peer: Peer) -> list[Slice]:
    """The loads of a round, without those that the peer does not offer."""
    slices = [
        Slice("/plaintext", connections=512, seconds=4),
        Slice("/coroutine", seconds=4),
        Slice("/json", seconds=4),
        Slice("/users", script="paths", arguments=(str(PATHS),), seconds=4),
        Slice("/missing", script="paths", arguments=(str(PATHS),)),
        Slice("/plaintext", script="close", connects=True),
        Slice("/echo", script="post", arguments=("application/octet-stream", "1024"), seconds=2),
        Slice("/upload", script="post", arguments=("application/octet-stream", "300000"), connections=8),
        Slice("/sleep", connections=512),
        Slice("/sleep-deferred", connections=512),
        Slice("/download", connections=8),
        Slice("/files/50k.bin"),
        Slice("/refused", script="refused", connects=True),
    ]
    if peer.name == "ropewalk":
        slices += [
            Slice("/events"),
            Slice("/refuses"),
            Slice("/raises", connections=2),
            Slice("/breaks", connections=1, connects=True),
        ]
    return [each for each in slices if not peer.why_not(each.path.split("/")[1])]


def with_failures(peer: Peer) -> Peer:
    """Ropewalk's app has handlers that fail. Their log lines are part of the measurement."""
    if peer.name != "ropewalk":
        return peer

    def command(port: int, folder: Path) -> list[str]:
        options = ["--port", str(port), "--access-log", "off", "--log-level", "warn"]
        return [str(PYTHON), "-m", "ropewalk", "run", str(PROGRAMS / "ropewalk_soak.py"), *options]

    return dataclasses.replace(peer, command=command)


def soak(server: Server, slices: list[Slice], goal: Reading) -> list[Reading]:
    """Run whole rounds until the goal is reached. Returns the readings before, between and after them."""
    deadline = time.monotonic() + LIMIT_SECONDS
    readings = [rested(server, settled(server, slices), 0)]
    while not readings[-1].reaches(goal, 1) and time.monotonic() < deadline:
        done = readings[-1]
        for each in slices:
            done = run(server, each, done)
        done = dataclasses.replace(done, aborts=done.aborts + vanish(server.port, ABORTS))
        readings.append(rested(server, done, readings[0].descriptors))
        print(row(readings[-1]), flush=True)
    return readings


def settled(server: Server, slices: list[Slice]) -> Reading:
    """Requests that fail, for long enough that Python's garbage collector reaches a steady state.

    Until then, uncollected objects look like a leak.
    """
    done = Reading()
    for each in slices:
        if each.path in FAILING:
            done = run(server, dataclasses.replace(each, seconds=SETTLING_SECONDS), done)
    return done


def run(server: Server, each: Slice, done: Reading) -> Reading:
    arguments = each.arguments
    if each.script == "paths":
        arguments += (str(done.requests),)
    url = f"http://{HOST}:{server.port}{each.path}"
    result = load.wrk(url, each.script, arguments, each.connections, each.seconds)
    return dataclasses.replace(
        done,
        requests=done.requests + result["requests"],
        connects=done.connects + (result["requests"] if each.connects else each.connections),
    )


def rested(server: Server, done: Reading, descriptors: int) -> Reading:
    """Read the idle server as soon as it has no more descriptors than at first, or after `REST_SECONDS`."""
    deadline = time.monotonic() + REST_SECONDS
    while time.monotonic() < deadline and descriptors_of(server) > descriptors:
        time.sleep(0.05)
    return dataclasses.replace(done, resident_bytes=server.resident_bytes(), descriptors=descriptors_of(server))


def descriptors_of(server: Server) -> int:
    """The number of open descriptors of all its processes."""
    count = 0
    for pid, _ in server.members():
        with suppress(FileNotFoundError):
            count += sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    return count


@dataclass(frozen=True, slots=True)
class Verdict:
    """The summary of the readings."""

    first: Reading
    """The first reading after a tenth of the goal."""
    growth: float
    """The relative growth of the memory from `first` to the end."""
    highest: float
    """The largest relative growth of the memory from `first` to any later reading."""
    left: int
    """Descriptors at the end that were not open at the start."""

    @classmethod
    def of(cls, readings: list[Reading], goal: Reading) -> "Verdict":
        first = next((reading for reading in readings if reading.reaches(goal, 0.1)), readings[-1])
        later = readings[readings.index(first) :]
        return cls(
            first=first,
            growth=later[-1].resident_bytes / first.resident_bytes - 1,
            highest=max(reading.resident_bytes for reading in later) / first.resident_bytes - 1,
            left=readings[-1].descriptors - readings[0].descriptors,
        )

    def sentence(self) -> str:
        return (
            f"From the first tenth ({self.first.requests:,} requests) to the end the memory changed by "
            f"{self.growth:+.1%} (at most {ALLOWED:.0%} is allowed), and was never more than "
            f"{self.highest:.1%} above it. {self.left} descriptors were left."
        )

    @property
    def good(self) -> bool:
        return self.growth <= ALLOWED and self.left <= 0


def write(peer: Peer, machine: Machine, readings: list[Reading], verdict: Verdict) -> None:
    folder = RESULTS if peer.name == "ropewalk" else RESULTS / "partial"
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": dataclasses.asdict(machine),
        "version": peer.version(),
        "verdict": dataclasses.asdict(verdict),
        "readings": [dataclasses.asdict(reading) for reading in readings],
    }
    shown = dict.fromkeys((readings[0], verdict.first, *readings[:: max(1, len(readings) // 8)], readings[-1]))
    lines = [
        f"{peer.version()}, measured on {machine.date}, {machine.python}, commit `{machine.commit}`.",
        "",
        "| requests | connections | vanished clients | resident memory | descriptors |",
        "|---:|---:|---:|---:|---:|",
        *(row(reading) for reading in sorted(shown, key=lambda reading: reading.requests)),
        "",
        verdict.sentence(),
    ]
    print("\n".join(lines))
    (folder / "soak.json").write_text(json.dumps(document, indent=2) + "\n")
    (folder / "soak.md").write_text("\n".join(lines) + "\n")


def row(reading: Reading) -> str:
    counts = f"| {reading.requests:,} | {reading.connects:,} | {reading.aborts:,} |"
    return f"{counts} {mebibytes(reading.resident_bytes)} | {reading.descriptors} |"


def mebibytes(size: int) -> str:
    return f"{size / 1024**2:.2f} MiB"


if __name__ == "__main__":
    main()
