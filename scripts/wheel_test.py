#!/usr/bin/env python3
"""Install a wheel as users do, and run the commands of the documentation.

The script builds a wheel from the tree below `.wheel-test/`. Each environment there has only this wheel: one without
extras, and one for each extra alone. In each of them the tests in `tests/packaging` run all commands of the README and
of the how-to guides, and all ways to put programs of twisted.web on the engine.

python scripts/wheel_test.py [OPTION ...]    options of `maturin build`, such as --release

The build uses what `make setup` has compiled, and compiles nothing again. Packages come from the index that pip is
configured for. PYTEST_ARGS selects tests. The exit code is 1 if one has failed.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".wheel-test"
BIN = Path(sys.executable).parent


def main(options: list[str]) -> int:
    """Build, install and test the wheel, and return the exit code of the tests."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    wheel = build(options)
    for extra in ("plain", *extras()):
        install(wheel, extra)
    environment = os.environ | {"ROPEWALK_TEST_INSTALLATIONS": str(FOLDER)}
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "pytest",
        "tests/packaging",
        *os.environ.get("PYTEST_ARGS", "").split(),
    ]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def build(options: list[str]) -> Path:
    """Build the wheel and return its path."""
    run(BIN / "maturin", "build", "--interpreter", sys.executable, "--out", FOLDER / "wheel", *options)
    [wheel] = (FOLDER / "wheel").glob("*.whl")
    return wheel


def extras() -> list[str]:
    """Return the names of the extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return sorted(project["optional-dependencies"])


def install(wheel: Path, extra: str) -> None:
    """Make an environment with the wheel, with the package versions of the tests."""
    environment = FOLDER / extra
    what = f"ropewalk @ {wheel.as_uri()}" if extra == "plain" else f"ropewalk[{extra}] @ {wheel.as_uri()}"
    run(BIN / "uv", "venv", "--quiet", "--python", sys.executable, environment)
    constraints = ("--constraint", ROOT / "requirements" / "dev.txt")
    run(BIN / "uv", "pip", "install", "--quiet", "--python", environment / "bin" / "python", *constraints, what)


def run(*command: str | Path) -> None:
    """Run a command. Raises CalledProcessError if it fails."""
    subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
