"""Load on one server: the checks before, wrk on the other core, and the crowd of idle connections."""

import http.client
import json
import resource
import select
import socket
import ssl
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from benchmarks.cases import Case
from benchmarks.peers.contract import HOST, TEXT_BYTES
from benchmarks.prepare import HERE
from benchmarks.server import LOAD_CORE, Server

PROBE_SECONDS: Final = 10
LAST_CHUNK: Final = b"0\r\n\r\n"
WRK_TIMEOUT: Final = "10s"
IDLE_CONNECTIONS: Final = 10_000
SPARE_DESCRIPTORS: Final = 500
"""The descriptors that client and server need for everything but the idle connections."""


class CheckFailed(Exception):
    """A response was wrong, so there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one case on one peer."""

    requests_per_second: float
    cpu_microseconds: float
    """The server's CPU time per request."""
    p50_microseconds: int
    p99_microseconds: int
    idle_bytes: float | None = None
    """Resident memory of the server per idle connection."""
    idle_closed: int | None = None
    """How many of the idle connections the server had closed at the end."""


def check(server: Server, case: Case) -> None:
    """Send every probe of the case, each on a new connection. Raises CheckFailed."""
    session = entered(server, case)
    for probe in case.probes:
        connection = connect(server.port, case.scheme)
        headers = {**session, **probe.headers}
        if probe.body is not None:
            headers["Content-Type"] = case.arguments[0]
        try:
            connection.request("GET" if probe.body is None else "POST", probe.path, probe.body, headers)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise CheckFailed(f"{probe.path}: {error!r}") from error
        finally:
            connection.close()
        if not probe.right(response.status, body):
            raise CheckFailed(f"{probe.path}: status {response.status}, {len(body)} bytes: {body[:100]!r}")
    if case.pipelined > 1:
        check_pipelining(server, case)


def entered(server: Server, case: Case) -> dict[str, str]:
    """The header fields of a client with a session; empty if the case needs none. Raises CheckFailed."""
    if not case.enter:
        return {}
    connection = connect(server.port, case.scheme)
    try:
        connection.request("GET", case.enter)
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException) as error:
        raise CheckFailed(f"{case.enter}: {error!r}") from error
    finally:
        connection.close()
    if response.status != 200:
        raise CheckFailed(f"{case.enter}: status {response.status}")
    cookies = [line.partition(";")[0] for line in response.headers.get_all("set-cookie", [])]
    token = response.headers.get("x-csrf-token")
    return {"Cookie": "; ".join(cookies)} | ({} if token is None else {"X-CSRF-Token": token})


def connect(port: int, scheme: str) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(HOST, port, timeout=PROBE_SECONDS)
    context = ssl._create_unverified_context()  # noqa: SLF001 - the documented way to look at no certificate
    return http.client.HTTPSConnection(HOST, port, timeout=PROBE_SECONDS, context=context)


def check_pipelining(server: Server, case: Case) -> None:
    request = f"GET {case.path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    answers = b""
    with socket.create_connection((HOST, server.port), timeout=PROBE_SECONDS) as connection:
        connection.sendall(request * case.pipelined)
        try:
            while answers.count(TEXT_BYTES) < case.pipelined and (data := connection.recv(65536)):
                answers += data
        except TimeoutError:
            pass  # The error below reports how many responses have arrived.
    came = answers.count(b"HTTP/1.1 200 ")
    if came != case.pipelined:
        raise CheckFailed(f"{came} answers to {case.pipelined} pipelined requests")


def measure(server: Server, case: Case, seconds: int) -> Sample:
    """Run wrk for some seconds, and measure the server's resources.

    Raises CheckFailed for a wrong or missing response.
    """
    session = entered(server, case)
    used = server.cpu_seconds()
    url = f"{case.scheme}://{HOST}:{server.port}{case.path}"
    result = wrk(url, case.script, case.arguments, case.connections, seconds, session)
    used = server.cpu_seconds() - used
    requests = result["requests"]
    if wrong := {name: result[name] for name in ("connect", "read", "write", "status", "timeout") if result[name]}:
        raise CheckFailed(f"errors under load: {wrong}")
    if not requests:
        raise CheckFailed("no answer within the time")
    return Sample(requests / (result["microseconds"] / 1e6), used * 1e6 / requests, result["p50"], result["p99"])


def wrk(
    url: str,
    script: str,
    arguments: tuple[str, ...],
    connections: int,
    seconds: int,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, int]:
    """The report of `report.lua`: counts, and times in microseconds."""
    command = ["taskset", "--cpu-list", str(LOAD_CORE), "wrk", "-t", "1", "-c", str(connections)]
    command += ["-d", f"{seconds}s", "--timeout", WRK_TIMEOUT, "-s", f"{script}.lua"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    command += [url, "--", *arguments]
    shown = subprocess.run(
        command, cwd=HERE / "scripts", capture_output=True, text=True, timeout=seconds + 60, check=False
    )
    last = shown.stdout.strip().rpartition("\n")[2]
    if shown.returncode or not last.startswith("{"):
        raise CheckFailed(f"wrk: {shown.stderr.strip() or shown.stdout.strip()}")
    result: dict[str, int] = json.loads(last)
    return result


def measure_idle(server: Server, case: Case, seconds: int) -> Sample:
    """Open the idle connections, each after one response, then run wrk beside them.

    Raises CheckFailed.
    """
    before = server.resident_bytes()
    with ExitStack() as stack:
        crowd: list[socket.socket] = []
        while len(crowd) < IDLE_CONNECTIONS:
            try:
                crowd.append(stack.enter_context(idle_connection(server.port, case.path)))
            except OSError as error:
                raise CheckFailed(f"no answer beside {len(crowd)} idle connections: {error!r}") from error
        grown = server.resident_bytes() - before
        sample = measure(server, case, seconds)
        closed = sum(1 for _ in readable(crowd))
    return Sample(
        sample.requests_per_second,
        sample.cpu_microseconds,
        sample.p50_microseconds,
        sample.p99_microseconds,
        idle_bytes=grown / IDLE_CONNECTIONS,
        idle_closed=closed,
    )


def idle_connection(port: int, path: str) -> socket.socket:
    connection = socket.create_connection((HOST, port), timeout=PROBE_SECONDS)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    answer = b""
    while not answer.endswith((TEXT_BYTES, LAST_CHUNK)):
        data = connection.recv(4096)
        if not data:
            raise CheckFailed("the server closed a connection of the idle crowd")
        answer += data
    return connection


def readable(connections: list[socket.socket]) -> list[tuple[int, int]]:
    """The connections that are readable. After their response was read, that means that the server has closed them."""
    poll = select.poll()
    for connection in connections:
        poll.register(connection, select.POLLIN | select.POLLRDHUP)
    return poll.poll(0)


def raise_descriptor_limit() -> str:
    """Raise the limit of files for this process and its children. Returns an error message if the system refuses."""
    wanted = IDLE_CONNECTIONS + SPARE_DESCRIPTORS
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        return f"the hard limit of open files is {hard}, below {wanted}"
    soft = hard if hard != resource.RLIM_INFINITY else 2 * wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return ""
