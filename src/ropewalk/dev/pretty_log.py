"""The request log of `ropewalk dev`: one short line for each response, in colour on a terminal."""

import json
import sys
from datetime import UTC, datetime
from typing import Any, Final

from ropewalk.dev.paths import OWN
from ropewalk.errors import visible
from ropewalk.server.access_log_writer import AccessLog
from ropewalk.server.error_log import has_colour

_RESET: Final = "\x1b[0m"
_DIM: Final = "\x1b[2m"
_COLOURS: Final = {2: "\x1b[32m", 3: "\x1b[36m", 4: "\x1b[33m", 5: "\x1b[1;31m"}
"""The colours of statuses, by their first digit."""


class PrettyLog(AccessLog):
    """Writes the log lines of the engine, which are JSON, to the standard output in a form for people."""

    def __init__(self, *, colour: bool | None = None) -> None:
        super().__init__()
        self._colour = has_colour(sys.stdout) if colour is None else colour

    def write(self, lines: bytes) -> None:
        """Queue lines of JSON to be written."""
        shown = (pretty_line(json.loads(line), colour=self._colour) for line in lines.splitlines())
        super().write("".join(f"{line}\n" for line in shown if line).encode())


def pretty_line(entry: dict[str, Any], *, colour: bool) -> str:
    """One line of the log; empty for a request of the browser refresh."""
    method, _, rest = entry["request"].partition(" ")
    target = rest.rpartition(" ")[0] or rest
    if target.startswith(OWN):
        return ""
    time = datetime.fromisoformat(entry["time"]).astimezone(UTC).astimezone().strftime("%H:%M:%S")
    status = entry["status"]
    parts = [
        _in(_DIM, time, colour),
        f"{method:<7}" if target else f"{'-':<7}",
        _in(_COLOURS.get(status // 100, ""), f"{status}", colour),
        f"{_duration(entry['seconds']):>8}",
        f"{_size(entry['bytes']):>8}",
        visible(target) or "(no request)",
    ]
    return " ".join(parts)


def _in(code: str, text: str, colour: bool) -> str:
    return f"{code}{text}{_RESET}" if colour and code else text


def _duration(seconds: float) -> str:
    if seconds < 0.0995:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.2f} s"


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.1f} kB" if count < 999_950 else f"{count / 1_000_000:.1f} MB"
