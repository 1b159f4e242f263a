"""Whether memory stays where it is, over millions of requests and many connections.

A server gets a mix of load until it has settled, its resident memory is read, the load goes on, and it is read again.
Ends by itself; the exit status is 1 when the memory has grown by more than `ALLOWED`.
"""

import argparse
import dataclasses
import json
import os
import sys
import time
from dataclasses import dataclass
from typing import Final

from benchmarks import load
from benchmarks.machine import Machine
from benchmarks.prepare import HERE
from benchmarks.roster import PEERS
from benchmarks.server import LOAD_CORE, Server

RESULTS: Final = HERE / "results"
ALLOWED: Final = 0.05
SLICE_SECONDS: Final = 1
REST_SECONDS: Final = 2
LIMIT_SECONDS: Final = 900
"""A slow server is stopped here, and the result tells how far it came."""
PATHS: Final = 2_000
"""Other paths in every slice of that kind, so that a memory of paths without a bound shows."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A second of one kind of load."""

    path: str
    script: str = "get"
    arguments: tuple[str, ...] = ()
    connections: int = 64
    connects: bool = False
    """Whether every request has a connection of its own."""


@dataclass(slots=True)
class Count:
    """What the server has had so far."""

    requests: int = 0
    connects: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """The server's memory at one point."""

    requests: int
    connects: int
    resident_bytes: int


def main() -> None:
    options = arguments()
    os.sched_setaffinity(0, {LOAD_CORE})
    peer = next(peer for peer in PEERS if peer.name == options.peer)
    slices = [each for each in mix() if not peer.why_not(each.path.split("/")[1])]
    count, deadline = Count(), time.monotonic() + LIMIT_SECONDS
    with Server(peer, routes=10) as server:
        first = soak(server, slices, count, options.first, options.connects // 10, deadline)
        last = soak(server, slices, count, options.requests, options.connects, deadline)
    growth = last.resident_bytes / first.resident_bytes - 1
    write(peer.name, peer.version(), first, last, growth)
    if last.requests < options.requests or last.connects < options.connects:
        sys.exit(f"Stopped after {LIMIT_SECONDS} s, before all requests were made.")
    sys.exit(growth > ALLOWED)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peer", choices=[peer.name for peer in PEERS], default="ropewalk")
    parser.add_argument(
        "--first", type=int, default=500_000, help="requests before the first reading (default: %(default)s)"
    )
    parser.add_argument("--requests", type=int, default=5_000_000, help="before the last one (default: %(default)s)")
    parser.add_argument(
        "--connects", type=int, default=200_000, help="connections before the last one (default: %(default)s)"
    )
    return parser.parse_args()


def mix() -> list[Slice]:
    return [
        Slice("/plaintext", connections=512),
        Slice("/plaintext", script="close", connects=True),
        Slice("/json"),
        Slice("/users", script="paths", arguments=(str(PATHS),)),
        Slice("/missing", script="paths", arguments=(str(PATHS),)),
        Slice("/plaintext", script="pipeline", arguments=("16",)),
        Slice("/coroutine"),
        Slice("/echo", script="post", arguments=("application/octet-stream", "1024")),
        Slice("/sleep", connections=512),
        Slice("/download", connections=8),
        Slice("/files/50k.bin"),
    ]


def soak(server: Server, slices: list[Slice], count: Count, requests: int, connects: int, deadline: float) -> Reading:
    """Load the server until it has had this many requests and connections, and read its memory when it rests.

    The mix is always gone through to its end, so that every reading follows the same kind of load.
    """
    while (count.requests < requests or count.connects < connects) and time.monotonic() < deadline:
        for each in slices:
            run(server, each, count)
        print(
            f"{count.requests:>10,} requests {count.connects:>8,} connects {mebibytes(server.resident_bytes())}",
            flush=True,
        )
    time.sleep(REST_SECONDS)
    return Reading(count.requests, count.connects, server.resident_bytes())


def run(server: Server, each: Slice, count: Count) -> None:
    arguments = each.arguments
    if each.script == "paths":
        arguments += (str(count.requests),)
    result = load.wrk(server.port, each.path, each.script, arguments, each.connections, SLICE_SECONDS)
    count.requests += result["requests"]
    count.connects += result["requests"] if each.connects else each.connections


def write(peer: str, version: str, first: Reading, last: Reading, growth: float) -> None:
    folder = RESULTS if peer == "ropewalk" else RESULTS / "partial"
    folder.mkdir(parents=True, exist_ok=True)
    machine = Machine.look(SLICE_SECONDS, 1)
    document = {
        "machine": dataclasses.asdict(machine),
        "version": version,
        "first": dataclasses.asdict(first),
        "last": dataclasses.asdict(last),
        "growth": growth,
    }
    lines = [
        f"{version}, measured on {machine.date}, {machine.python}, commit `{machine.commit}`.",
        "",
        "| after | resident memory |",
        "|---|---:|",
        *(
            f"| {each.requests:,} requests, {each.connects:,} connections | {mebibytes(each.resident_bytes)} |"
            for each in (first, last)
        ),
        f"| growth (at most {ALLOWED:.0%}) | {growth:+.1%} |",
    ]
    print("\n".join(lines))
    (folder / "soak.json").write_text(json.dumps(document, indent=2) + "\n")
    (folder / "soak.md").write_text("\n".join(lines) + "\n")


def mebibytes(size: int) -> str:
    return f"{size / 1024**2:.2f} MiB"


if __name__ == "__main__":
    main()
