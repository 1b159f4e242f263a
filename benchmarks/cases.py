"""The cases: the requests, how they are sent, and the expected responses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from benchmarks.peers import contract
from benchmarks.prepare import DATA

BASELINE: Final = "plaintext-64"
PERSON: Final = b'{"name":"Ada Lovelace","age":36}'
NO_PERSON: Final = b'{"name":"Ada Lovelace","age":"many"}'
Kind = Literal["load", "idle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A request whose response must be correct before the measurement."""

    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    right: Callable[[int, bytes], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case to measure."""

    name: str
    title: str
    """The heading in the report."""
    endpoint: str
    """The endpoint of the contract that a peer must offer."""
    path: str
    probes: tuple[Probe, ...]
    connections: int = 64
    script: str = "get"
    """A script in the folder `scripts`."""
    arguments: tuple[str, ...] = ()
    """Arguments of the script."""
    enter: str = ""
    """A path whose response begins a session. The requests have its cookie, and its X-CSRF-Token if it has one."""
    pipelined: int = 1
    scheme: Literal["http", "https"] = "http"
    """Certificates are not checked."""
    routes: int = 10
    """The number of static routes of the server."""
    kind: Kind = "load"
    quick: bool = field(default=False)
    """Whether `--quick` measures it."""


def says(expected: bytes) -> Callable[[int, bytes], bool]:
    return lambda status, body: status == 200 and body == expected


def means(expected: Mapping[str, object]) -> Callable[[int, bytes], bool]:
    return lambda status, body: status == 200 and msgspec.json.decode(body) == expected


def refuses(status: int, body: bytes) -> bool:
    return status in {400, 422}


def text(path: str) -> tuple[Probe, ...]:
    return (Probe(path=path, right=says(contract.TEXT_BYTES)),)


def plaintext(connections: int, *, quick: bool = False) -> Case:
    title = f"Plain text, 13 bytes, {connections} connection{'s' if connections > 1 else ''}"
    return Case(
        name=f"plaintext-{connections}",
        title=title,
        endpoint="plaintext",
        path="/plaintext",
        probes=text("/plaintext"),
        connections=connections,
        quick=quick,
    )


def echo(label: str, size: int, *, quick: bool = False) -> Case:
    body = b"x" * size
    return Case(
        name=f"echo-{label}",
        title=f"Echo of a POST of {size // 1024} KiB",
        endpoint="echo",
        path="/echo",
        script="post",
        arguments=("application/octet-stream", str(size)),
        probes=(Probe(path="/echo", body=body, right=says(body)),),
        quick=quick,
    )


def file(label: str, title: str, connections: int, *, quick: bool = False) -> Case:
    path = f"/files/{label}.bin"

    def right(status: int, body: bytes) -> bool:
        return status == 200 and body == (DATA / f"{label}.bin").read_bytes()

    return Case(
        name=f"file-{label}",
        title=title,
        endpoint="files",
        path=path,
        probes=(Probe(path=path, right=right),),
        connections=connections,
        quick=quick,
    )


def sleep(endpoint: str, what: str, *, quick: bool = False) -> Case:
    return Case(
        name=endpoint,
        title=f"10 ms of sleep in {what}, 512 connections",
        endpoint=endpoint,
        path=f"/{endpoint}",
        probes=text(f"/{endpoint}"),
        connections=512,
        quick=quick,
    )


def routes(count: int) -> Case:
    return Case(
        name=f"routes-{count}",
        title=f"{count:,} static routes, asked in turn",
        endpoint="route",
        path="/route",
        script="paths",
        arguments=(str(count),),
        probes=text("/route/0") + text(f"/route/{count - 1}"),
        routes=count,
    )


CASES: Final = (
    plaintext(1),
    plaintext(64, quick=True),
    plaintext(512),
    Case(
        name="pipelined-16",
        title="Plain text, 16 requests pipelined, 64 connections",
        endpoint="plaintext",
        path="/plaintext",
        script="pipeline",
        arguments=("16",),
        pipelined=16,
        probes=text("/plaintext"),
        quick=True,
    ),
    Case(
        name="coroutine",
        title="Plain text from a coroutine handler that does not suspend",
        endpoint="coroutine",
        path="/coroutine",
        probes=text("/coroutine"),
    ),
    Case(
        name="json",
        title="JSON",
        endpoint="json",
        path="/json",
        probes=(Probe(path="/json", right=means(contract.MESSAGE)),),
        quick=True,
    ),
    Case(
        name="path",
        title="A path parameter, as a number",
        endpoint="users",
        path="/users/42",
        probes=(Probe(path="/users/42", right=says(b"42")), Probe(path="/users/7", right=says(b"7"))),
    ),
    routes(10),
    routes(10_000),
    Case(
        name="validate",
        title="A POST of JSON, validated, with a JSON response",
        endpoint="validate",
        path="/validate",
        script="post",
        arguments=("application/json", PERSON.decode()),
        probes=(
            Probe(path="/validate", body=PERSON, right=means({"name": "Ada Lovelace", "age": 36})),
            Probe(path="/validate", body=NO_PERSON, right=refuses),
        ),
        quick=True,
    ),
    echo("1k", 1024, quick=True),
    echo("100k", 100 * 1024),
    Case(
        name="download",
        title="10 MiB streamed down, 8 connections",
        endpoint="download",
        path="/download",
        probes=(Probe(path="/download", right=says(contract.CHUNK * contract.CHUNKS)),),
        connections=8,
    ),
    Case(
        name="upload",
        title="10 MiB streamed up, 8 connections",
        endpoint="upload",
        path="/upload",
        script="post",
        arguments=("application/octet-stream", str(contract.STREAM_SIZE)),
        probes=(
            Probe(path="/upload", body=bytes(contract.STREAM_SIZE), right=says(b"%d" % contract.STREAM_SIZE)),
            Probe(path="/upload", body=b"12345", right=says(b"5")),
        ),
        connections=8,
    ),
    file("50k", "A file of 50 KiB", 64, quick=True),
    file("1m", "A file of 1 MiB, 16 connections", 16),
    sleep("sleep", "asyncio", quick=True),
    sleep("sleep-deferred", "a Deferred", quick=True),
    Case(
        name="idle-10k",
        title="Plain text, 64 busy connections beside 10,000 idle ones",
        endpoint="plaintext",
        path="/plaintext",
        probes=text("/plaintext"),
        kind="idle",
    ),
)
