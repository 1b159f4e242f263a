"""The lines of the request log."""

import json
from io import StringIO
from typing import Any

import pytest

from ropewalk.dev.pretty_log import pretty_line
from ropewalk.server.error_log import has_colour

ENTRY = {
    "time": "2026-01-02T03:04:05.000000Z",
    "request": "GET /rooms?a=1 HTTP/1.1",
    "status": 200,
    "bytes": 512,
    "seconds": 0.0032,
}


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({}, "GET     200   3.2 ms    512 B /rooms?a=1"),
        ({"seconds": 0.25, "bytes": 20480}, "GET     200   250 ms  20.5 kB /rooms?a=1"),
        ({"seconds": 2.5, "bytes": 3_000_000}, "GET     200   2.50 s   3.0 MB /rooms?a=1"),
        ({"request": "-", "status": 400}, "-       400   3.2 ms    512 B (no request)"),
    ],
)
def test_a_line(changes: dict[str, Any], end: str) -> None:
    assert pretty_line(ENTRY | changes, colour=False)[9:] == end


def test_colours() -> None:
    assert "\x1b[32m200\x1b[0m" in pretty_line(ENTRY, colour=True)
    assert "\x1b[1;31m500\x1b[0m" in pretty_line(ENTRY | {"status": 500}, colour=True)


def test_requests_of_the_browser_refresh_are_left_out() -> None:
    assert pretty_line(ENTRY | {"request": "GET /_ropewalk/events HTTP/1.1"}, colour=False) == ""


def test_a_target_cannot_affect_the_terminal() -> None:
    entry = json.loads(json.dumps(ENTRY | {"request": "GET /\x1b[2J\u202e HTTP/1.1"}))
    assert "\x1b" not in pretty_line(entry, colour=False)


def test_colour_needs_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert has_colour(Terminal())
    assert not has_colour(StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not has_colour(Terminal())
