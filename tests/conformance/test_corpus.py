"""Sends gunicorn's corpus of requests to a real server, which must accept the valid ones and refuse the others.

Many of its HTTP/1.1 requests have no Host and are refused for this reason. To test the rest of such a request, the test
sends it again with a Host.
"""

import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.conformance.corpus import Case
from tests.conformance.differences import CORPUS
from tests.conformance.reading import Lines, Message
from tests.processes import ropewalk

pytestmark = pytest.mark.slow

Send = Callable[[bytes], bytes]

ECHO = Path(__file__).with_name("echo.py")

SECONDS = 20.0
"""The timeout of a test: no response takes so long."""

PIECES: dict[str, Callable[[bytes], list[bytes]]] = {
    "whole": lambda data: [data],
    "line by line": lambda data: re.findall(rb"[^\n]*\n|[^\n]+", data),
    "byte by byte": lambda data: [data[at : at + 1] for at in range(len(data))],
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ropewalk("run", ECHO, "--access-log", "off") as server:
        yield server.url


@pytest.fixture(params=PIECES)
def send(request: pytest.FixtureRequest, url: str) -> Send:
    """Sends data in pieces and returns what comes back."""
    return lambda data: exchanged(url, PIECES[request.param](data))


def test_it_is_all_there(corpus: dict[str, list[Case]]) -> None:
    assert {kind: len(files) for kind, files in corpus.items()} == {"valid": 62, "invalid": 81}


def test_what_is_valid_is_taken(corpus: dict[str, list[Case]], send: Send) -> None:
    found = {case.name: judged(case, send) for case in map(with_host, corpus["valid"])}
    assert {name: verdict for name, verdict in found.items() if verdict != "as expected"} == listed("valid")


def test_what_is_invalid_is_refused(corpus: dict[str, list[Case]], send: Send) -> None:
    found = {case.name: judged(case, send) for case in map(with_host, corpus["invalid"])}
    assert {name: verdict for name, verdict in found.items() if verdict != "refused"} == listed("invalid")


def test_without_a_host_they_are_refused(corpus: dict[str, list[Case]], send: Send) -> None:
    hostless = [case for case in corpus["valid"] if case.lacks_host]
    assert len(hostless) == 24
    for case in hostless:
        assert responses(send(case.data))[-1][0] in (400, 501), case.name
    for case in corpus["invalid"]:
        assert not case.lacks_host or judged(case, send) == "refused", case.name


def test_limits_of_both(corpus: dict[str, list[Case]]) -> None:
    """The two requests that gunicorn refuses because of its limits are refused by the engine, too, if it has the same
    limits."""
    limits = {"invalid/006": ("request_line=4094", 414), "invalid/011": ("head_fields=2", 431)}
    options = [option for limit, _ in limits.values() for option in ("--limit", limit)]
    with ropewalk("run", ECHO, "--access-log", "off", *options) as server:
        for case in corpus["invalid"]:
            if case.name in limits:
                assert responses(exchanged(server.url, [case.data]))[0][0] == limits[case.name][1]


def with_host(case: Case) -> Case:
    return case.with_host() if case.lacks_host else case


def listed(kind: str) -> dict[str, str]:
    """The verdicts in the list of differences, by file."""
    return {name: it.verdict for it in CORPUS for name in it.files if name.startswith(f"{kind}/")}


def exchanged(url: str, pieces: list[bytes]) -> bytes:
    """Send these pieces on a connection, and return all that is received."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=SECONDS) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # If the server has closed the connection after its last response, sending more causes an error.
        with suppress(OSError):
            for piece in pieces:
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
        received = b""
        with suppress(ConnectionResetError):
            while data := client.recv(1 << 16):
                received += data
        return received


def judged(case: Case, send: Send) -> str:
    """Summarize the responses to a case."""
    got = responses(send(case.data))
    seen = [json.loads(body) for status, body in got if status == 200]
    if not case.messages:
        assert not any(facts["trailers"] for facts in seen)
        return "taken" if seen else "refused"
    refusals = [body.decode().rstrip() for status, body in got if status != 200]
    if refusals:
        return refusals[0]
    if len(seen) != len(case.messages):
        return f"{len(seen)} taken, {len(case.messages)} meant"
    for message, facts in zip(case.messages, seen, strict=True):
        if difference := compared(message, facts):
            return difference
    return "as expected"


def responses(data: bytes) -> list[tuple[int, bytes]]:
    """The status and the body of each response."""
    found = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        length = int(re.findall(rb"(?i)\r\ncontent-length: ([0-9]+)", head)[0])
        found.append((int(head[9:12]), data[:length]))
        data = data[length:]
    return found


def compared(message: Message, facts: dict[str, Any]) -> str:
    """How a request that the application sees differs from the expected one."""
    trailers = lines_of(facts["trailers"])
    seen = Message(
        facts["method"].encode(),
        facts["target"].encode(),
        facts["version"],
        lines_of(facts["fields"]),
        facts["body"].encode("latin-1"),
        trailers,
        complete=True,
    )
    path, _, query = re.sub(rb"^https?://[^/?]*", b"", message.target).partition(b"?")
    assert (facts["path"].encode(), facts["query"].encode()) == (path, query)
    if seen == message:
        return ""
    more = [name.decode() for name, _ in seen.fields if name not in dict(message.fields)]
    less = [name.decode() for name, _ in message.trailers if name not in dict(trailers)]
    assert more or less, (seen, message)
    return "taken" + "".join(f", with {name}" for name in more) + "".join(f", without {name}" for name in less)


def lines_of(pairs: list[list[str]]) -> Lines:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
