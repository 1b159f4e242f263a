#!/usr/bin/env python3
"""Run the Python tests on every installed CPython from 3.11 on, one after the other.

Each has its own copy of the sources below `.pythons/`, with its own environment and build of the engine, because a
build for one Python cannot be imported by another. `.venv` is not touched. The builds stay, so that the next run builds
only what has changed.

python scripts/test_pythons.py [VERSION ...]    such as 3.12 or 3.13.0; without arguments, all that are found

PYTEST_ARGS selects tests, and ENGINE_BUILD= (empty, or other options of `maturin develop`) replaces --release.
The exit code is 1 if a run failed, or if no Python was found.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".pythons"
OLDEST = (3, 11)

ABOUT = """
import sys, sysconfig
print(sys.implementation.name, "%d.%d.%d" % sys.version_info[:3], sysconfig.get_config_var("Py_GIL_DISABLED") or 0)
print(getattr(sys, "_base_executable", None) or sys.executable)
import ensurepip, venv
"""


class Python(NamedTuple):
    """An interpreter that the tests can run on."""

    version: str
    executable: Path


def main(wanted: list[str]) -> int:
    """Run the tests on the wanted versions and return the exit code."""
    pythons = [each for each in find() if not wanted or any(f"{each.version}.".startswith(f"{w}.") for w in wanted)]
    missing = [each for each in wanted if not any(f"{it.version}.".startswith(f"{each}.") for it in pythons)]
    if missing or not pythons:
        print(f"No CPython {' and no '.join(missing) or '3.11 or newer'} was found on PATH or under pyenv.")
        return 1
    for python in pythons:
        print(f"Found CPython {python.version}: {python.executable}")
    outcomes = {}
    for python in pythons:
        print(f"\nCPython {python.version}", flush=True)
        outcomes[python] = run_tests(python)
    print("\nThe Python tests on every CPython:")
    for python, code in outcomes.items():
        print(f"  {python.version:8} {'passed' if code == 0 else f'failed ({code})'}")
    return int(any(outcomes.values()))


def find() -> list[Python]:
    """Find every suitable CPython, each version once, the oldest first."""
    found: dict[tuple[int, ...], Python] = {}
    seen: set[Path] = set()
    for candidate in candidates():
        real = candidate.resolve()
        if real in seen:
            continue
        seen.add(real)
        python = examine(candidate)
        if python is not None:
            found.setdefault(tuple(map(int, python.version.split("."))), python)
    return [found[version] for version in sorted(found)]


def candidates() -> Iterator[Path]:
    """List the interpreters of pyenv first, because its shims on PATH run only the chosen version."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for folder in sorted(pyenv.glob("versions/*/bin")):
        yield folder / "python3"
    for name in os.environ.get("PATH", "").split(os.pathsep):
        if name and Path(name).is_dir():
            yield from sorted(path for path in Path(name).iterdir() if re.fullmatch(r"python3(\.[0-9]+)?", path.name))


def examine(candidate: Path) -> Python | None:
    """Examine an interpreter; None if the tests cannot run on it."""
    try:
        asked = subprocess.run([candidate, "-I", "-c", ABOUT], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = asked.stdout.splitlines()
    if len(lines) != 2:
        return None
    name, version, free_threaded = lines[0].split()
    if name != "cpython" or tuple(map(int, version.split(".")))[:2] < OLDEST:
        return None
    if asked.returncode or free_threaded != "0":
        why = "it cannot make environments" if asked.returncode else "it is free-threaded"
        print(f"Left out: {candidate} ({version}): {why}.")
        return None
    return Python(version, Path(lines[1]))


def run_tests(python: Python) -> int:
    """Return the exit code of the tests, or of the build before them."""
    folder = FOLDER / python.version
    copy_sources(folder)
    # The new make inherits variables such as PYTEST_ARGS. Variables that name another Python are removed.
    environment = {name: value for name, value in os.environ.items() if name not in ("PYO3_PYTHON", "VIRTUAL_ENV")}
    command = ["make", "test-python", f"PYTHON={python.executable}"]
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


def copy_sources(folder: Path) -> None:
    """Copy the sources of this checkout. Unchanged files keep their time, so that they are not built again."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    names = {os.fsdecode(name) for name in listed.split(b"\0") if name and (ROOT / os.fsdecode(name)).exists()}
    record = folder / ".sources"
    former = set(record.read_text(encoding="utf-8").splitlines()) if record.exists() else set()
    for name in former - names:
        (folder / name).unlink(missing_ok=True)
    for name in names:
        source, copy = ROOT / name, folder / name
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
        copy.chmod(source.stat().st_mode & 0o777)
    record.write_text("".join(f"{name}\n" for name in sorted(names)), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
