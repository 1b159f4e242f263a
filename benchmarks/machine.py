"""Where and when a run was made."""

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


@dataclass(frozen=True, slots=True)
class Machine:
    """Everything without which the figures mean nothing."""

    date: str
    processor: str
    cores: int
    system: str
    python: str
    wrk: str
    commit: str
    load_at_start: float
    seconds: int
    rounds: int

    @classmethod
    def look(cls, seconds: int, rounds: int) -> Self:
        return cls(
            date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            processor=processor(),
            cores=os.cpu_count() or 0,
            system=f"{platform.system()} {platform.release()}",
            python=f"{platform.python_implementation()} {platform.python_version()}",
            wrk=wrk(),
            commit=commit(),
            load_at_start=round(os.getloadavg()[0], 2),
            seconds=seconds,
            rounds=rounds,
        )

    def warnings(self) -> list[str]:
        if self.load_at_start <= QUIET_LOAD:
            return []
        return [f"the machine is busy (load {self.load_at_start}): the figures will be too."]


def processor() -> str:
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def wrk() -> str:
    shown = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"wrk (\S+)", shown.stdout + shown.stderr)
    return found[1] if found else "unknown"


def commit() -> str:
    """The commit of this tree, marked when files that matter differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return shown.stdout.strip() or "unknown"
