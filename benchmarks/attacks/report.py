"""The tables and the document that a run writes."""

import dataclasses
import json
import os
import platform
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from benchmarks.attacks.crowd import Tally
from benchmarks.attacks.habits import Habit
from benchmarks.attacks.roster import Tool
from benchmarks.attacks.second_client import Outcome
from benchmarks.attacks.trial import GRACE, RATIO, Result
from benchmarks.machine import QUIET_LOAD, commit, debug_build

MANY_BYTES: Final = 10 << 20
"""If an attack sends at least this many bytes, its cost is given per byte, and not per connection or request."""

LEFT: Final = "---"
RIGHT: Final = "---:"

MAIN: Final = {
    "attack": LEFT,
    "connections": RIGHT,
    "requests": RIGHT,
    "failed": RIGHT,
    "p99 before": RIGHT,
    "p99 under it": RIGHT,
    "ratio": RIGHT,
    "memory, at most": RIGHT,
    "its bound": RIGHT,
    "longest connection": RIGHT,
    "its limit": LEFT,
    "verdict": LEFT,
}
SIDE: Final = {
    "attack": LEFT,
    "what they do": LEFT,
    "memory allowed a connection": LEFT,
    "memory before": RIGHT,
    "and after": RIGHT,
    "in the kernel, at most": RIGHT,
    "CPU of the server": RIGHT,
    "for a byte received": RIGHT,
    "responses to attackers": LEFT,
    "lines logged": RIGHT,
}


def machine() -> dict[str, Any]:
    """The facts that are needed to interpret the figures."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "commit": commit(),
        "load_at_start": round(os.getloadavg()[0], 2),
        "debug_build": debug_build(),
    }


def warnings(where: dict[str, Any]) -> list[str]:
    found = []
    if where["load_at_start"] > QUIET_LOAD:
        found.append(f"the machine was busy (load {where['load_at_start']}), so the times are noisy.")
    if where["debug_build"]:
        found.append("Ropewalk's engine was built for debugging, so it is much too slow.")
    return found


def as_markdown(where: dict[str, Any], results: list[Result]) -> str:
    held = sum(not list(result.faults()) for result in results)
    where_and_when = (
        f"Measured on {where['date']}: {where['processor']}, {where['cores']} cores, {where['system']}, "
        f"{where['python']}, commit `{where['commit']}`."
    )
    lines = [
        where_and_when,
        "",
        *(f"**Take these figures with care: {warning}**\n" for warning in warnings(where)),
        f"The server withstood {held} of {len(results)} attacks.",
        "",
        *table(MAIN, map(main_row, results)),
        "",
        "More figures:",
        "",
        *table(SIDE, map(side_row, results)),
    ]
    return "\n".join(lines) + "\n"


def table(columns: dict[str, str], rows: Iterable[list[str]]) -> Iterator[str]:
    """Lines of a table in Markdown: columns are titles with their alignment."""
    return (f"| {' | '.join(row)} |" for row in (list(columns), list(columns.values()), *rows))


def main_row(result: Result) -> list[str]:
    attack, under = result.attack, result.under
    clock = f"`{attack.clock.name}` {attack.clock.seconds:g} s" if attack.clock else ""
    return [
        attack.name,
        f"{result.most_connections if attack.clock else attack.connections:,}",
        f"{under.requests:,}",
        f"{under.failed}",
        milliseconds(result.alone),
        milliseconds(under),
        f"{result.ratio:.2f}",
        mebibytes(result.peak_bytes),
        mebibytes(result.bound_bytes),
        f"{result.longest:.1f} s" if attack.clock else "",
        clock,
        ", ".join(result.faults()) or "withstood",
    ]


def side_row(result: Result) -> list[str]:
    attack = result.attack
    answers = ", ".join(f"{count:,} x {status}" for status, count in result.tally.responses.most_common(4))
    return [
        attack.name,
        attack.what,
        f"8 KiB{f' + {attack.why}' if attack.why else ''}",
        mebibytes(result.before.resident_bytes),
        mebibytes(result.after.resident_bytes),
        mebibytes(result.kernel_bytes),
        f"{result.cpu_seconds / result.seconds:.0%}",
        f"{result.cpu_seconds / result.bytes_in * 1e9:.1f} ns" if result.bytes_in > MANY_BYTES else "",
        answers,
        f"{len(result.log)}",
    ]


def as_json(where: dict[str, Any], results: list[Result]) -> str:
    document = {
        "machine": where,
        "ratio_allowed": RATIO,
        "grace_seconds": GRACE,
        "attacks": [as_dict(result) for result in results],
    }
    return json.dumps(document, indent=2) + "\n"


def as_dict(result: Result) -> dict[str, Any]:
    attack, assault = result.attack, result.attack.assault
    return {
        "name": attack.name,
        "what": attack.what,
        "by": "slowhttptest" if isinstance(assault, Tool) else "crowd",
        "connections": attack.connections,
        "connects_per_second": attack.rate,
        "limits": dict(attack.limits),
        "descriptors": attack.descriptors,
        "clock": attack.clock and dataclasses.asdict(attack.clock),
        "seconds": round(result.seconds, 1),
        "most_connections": result.most_connections,
        "longest_seconds": round(result.longest, 1),
        "alone": outcome(result.alone),
        "under": outcome(result.under),
        "ratio": round(result.ratio, 3),
        "peak_bytes": result.peak_bytes,
        "bound_bytes": result.bound_bytes,
        "kernel_bytes": result.kernel_bytes,
        "cpu_seconds": round(result.cpu_seconds, 2),
        "bytes_in": result.bytes_in,
        "before": dataclasses.asdict(result.before),
        "after": dataclasses.asdict(result.after),
        "tally": tally(result.tally) if isinstance(assault, Habit) else None,
        "log": result.log[:20],
        "lines_logged": len(result.log),
        "faults": list(result.faults()),
    }


def outcome(of: Outcome) -> dict[str, Any]:
    quantiles = {f"p{share:g}_ms": round(of.percentile(share / 100) * 1000, 3) for share in (50, 90, 99, 99.9, 100)}
    return {"requests": of.requests, "failures": dict(of.failures), **quantiles}


def tally(of: Tally) -> dict[str, Any]:
    return {
        "connects": of.connects,
        "not_connected": of.not_connected,
        "ended_by_the_server": of.gone,
        "answers": dict(of.responses),
        "bytes_sent": of.bytes_sent,
        "bytes_read": of.bytes_read,
    }


def milliseconds(of: Outcome) -> str:
    return f"{of.percentile(0.99) * 1000:.2f} ms"


def mebibytes(size: int) -> str:
    return f"{size / 1024**2:,.0f} MiB"
