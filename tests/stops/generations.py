"""Servers that replace one another, as in a deployment, and servers without a successor."""

import asyncio
import json
import re
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.processes import ROOT
from tests.stops.clients import HOST, Kind, Load, Tally

SERVICE = Path(__file__).parent / "service.py"

SECONDS_TO_START = 60
SECONDS_TO_STOP = 60
SETTLING = 0.5
"""Seconds of load before each stop: first on the server alone, and then on the server and its successor."""


@dataclass(frozen=True, slots=True)
class Stop:
    """How one server ended."""

    seconds: float
    """The time from the signal to the end of the process."""
    code: int
    """Its exit code."""
    said: list[str]
    """The lines on its standard error after it was ready."""

    @property
    def in_good_order(self) -> bool:
        """Whether it ended with code 0 and without warnings."""
        return self.code == 0 and all("Stopping: " in line for line in self.said)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of stops under load."""

    stops: list[Stop]
    tally: Tally
    logged: Counter[tuple[int, int]]
    """How often each request is in the access logs, by its number and the status of its response."""

    def wrong_in_logs(self) -> dict[tuple[int, int], int]:
        """How many log lines are superfluous (positive) or missing (negative), by request and status."""
        difference = Counter(self.logged)
        difference.subtract(self.tally.responded.items())
        return {line: times for line, times in difference.items() if times}


async def replace(stops: int, folder: Path, *arguments: str) -> Outcome:
    """Run servers on one shared socket. Each is stopped when the next one is ready.

    `arguments` are added to the command line.
    """
    ended: list[Stop] = []
    with socket.create_server((HOST, 0), backlog=2048) as listening:
        descriptor = listening.fileno()
        server = await Server.start(
            by_command(folder / "0.log", "--listen", f"fd:{descriptor}", *arguments), [descriptor]
        )
        load = Load(listening.getsockname()[1])
        running = asyncio.create_task(load.run())
        for number in range(1, stops + 1):
            command = by_command(folder / f"{number}.log", "--listen", f"fd:{descriptor}", *arguments)
            successor = await Server.start(command, [descriptor])
            await asyncio.sleep(SETTLING)
            ended.append(await server.stop())
            server = successor
        load.over.set()
        await running
        await server.stop()
    return Outcome(ended, load.tally, read_logs(folder))


async def abandon(folder: Path, *arguments: str, seed: int = 0) -> Outcome:
    """Stop a server that has no successor. Its clients continue until connections are refused."""
    server = await Server.start(by_command(folder / "log", "--port", "0", *arguments))
    stop, tally = await end_under_load(server, Load(server.port, seed=seed))
    return Outcome([stop], tally, read_logs(folder))


async def abandon_site(way: str, kinds: Sequence[Kind]) -> tuple[Stop, Tally]:
    """The same as `abandon` for a Site, whose connections Twisted accepts. A Site has no access log."""
    server = await Server.start([sys.executable, "-W", "error", "-m", "tests.stops.by_site", way])
    return await end_under_load(server, Load(server.port, kinds=kinds))


async def end_under_load(server: "Server", load: Load) -> tuple[Stop, Tally]:
    running = asyncio.create_task(load.run())
    await asyncio.sleep(SETTLING)
    stop = await server.stop()
    await running
    return stop, load.tally


def by_command(log: Path, *arguments: str) -> list[str]:
    """The command line of Ropewalk."""
    run = [sys.executable, "-W", "error", "-m", "ropewalk", "run", str(SERVICE)]
    return [*run, "--access-log", "json", "--access-log-file", str(log), *arguments]


class Server:
    """A process that serves `service.py`."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.port = port

    @classmethod
    async def start(cls, command: Sequence[str], descriptors: Sequence[int] = ()) -> Self:
        """Start a server. Returns when it is ready."""
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stderr=PIPE,
            pass_fds=descriptors,
        )
        port = 0
        async with asyncio.timeout(SECONDS_TO_START):
            while not (line := await _line(process)).startswith("Stop with"):
                assert line or process.returncode is None, "The server ended before it was ready."
                if found := re.match(r"http://127\.0\.0\.1:(\d+)", line):
                    port = int(found[1])
        return cls(process, port)

    async def stop(self) -> Stop:
        """Send SIGTERM, and return how the server ends."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(SECONDS_TO_STOP):
            code = await self.process.wait()
        seconds = time.monotonic() - began
        said = []
        while line := await _line(self.process):
            said.append(line.rstrip())
        return Stop(seconds, code, [line for line in said if line])


async def _line(process: Process) -> str:
    assert process.stderr is not None
    return (await process.stderr.readline()).decode()


def read_logs(folder: Path) -> Counter[tuple[int, int]]:
    """The requests in the access logs of a folder, with the status of the response."""
    found: Counter[tuple[int, int]] = Counter()
    for log in folder.glob("*log"):
        for line in log.read_text().splitlines():
            entry = json.loads(line)
            number = re.search(r"/(\d+) HTTP/1\.1$", entry["request"])
            assert number, line
            found[int(number[1]), entry["status"]] += 1
    return found
