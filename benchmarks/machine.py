"""The machine, the time and the versions of a run."""

import importlib.util
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from benchmarks.prepare import ROOT

QUIET_LOAD: Final = 0.5
OVERFLOW_CHECK: Final = b"attempt to add with overflow"
"""A text in a Rust library that only a debug build contains."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The facts that are needed to interpret the figures."""

    date: str
    processor: str
    cores: int
    system: str
    python: str
    wrk: str
    commit: str
    load_at_start: float
    debug_build: bool
    """Whether Ropewalk's engine is a debug build, whose figures are useless."""
    seconds: int
    rounds: int

    @classmethod
    def look(cls, seconds: int, rounds: int) -> Self:
        return cls(
            date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            processor=platform.machine(),
            cores=os.cpu_count() or 0,
            system=f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
            python=f"{platform.python_implementation()} {platform.python_version()}",
            wrk=wrk(),
            commit=commit(),
            load_at_start=round(os.getloadavg()[0], 2),
            debug_build=debug_build(),
            seconds=seconds,
            rounds=rounds,
        )

    def warnings(self) -> list[str]:
        found = []
        if self.load_at_start > QUIET_LOAD:
            found.append(f"the machine was busy (load {self.load_at_start}), so they are noisy.")
        if self.debug_build:
            found.append("Ropewalk's engine was built for debugging, so it is much too slow.")
        return found


def wrk() -> str:
    shown = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"wrk (\S+)", shown.stdout + shown.stderr)
    return found[1] if found else "unknown"


def commit() -> str:
    """The commit of this tree, marked if relevant files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return shown.stdout.strip() or "unknown"


def debug_build() -> bool:
    spec = importlib.util.find_spec("ropewalk")
    folders = [Path(place) for place in (spec and spec.submodule_search_locations) or ()]
    libraries = [library for folder in folders for library in folder.glob("_engine.*.so")]
    return any(OVERFLOW_CHECK in library.read_bytes() for library in libraries)
