"""Fetches the test suites of other projects, once, into the environment of the tests and never into the repository."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

CACHE = Path(sys.prefix, "share", "conformance")


class UnreachableError(Exception):
    """Raised if a package cannot be fetched."""


def run(*command: str | Path) -> None:
    """Run a command of this interpreter, such as `-m pip`. Raises UnreachableError."""
    ended = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        reason = (ended.stderr.strip() or "it does not say why").splitlines()[-1]
        raise UnreachableError(f"{command[1]} cannot fetch what these tests need: {reason}")


def environment(
    name: str, requirements: Path, *others: Path, complete: Callable[[Path], None] = lambda folder: None
) -> Path:
    """Return an environment of this Python with the locked packages. The first call makes it.

    The same Python is used, because no other one can import the engine. `others` are more files that the
    environment depends on; `complete` is called with each new environment. Raises UnreachableError.
    """
    sources = sha256(sys.version.encode())
    for path in (requirements, *others):
        sources.update(path.read_bytes())
    folder = CACHE / f"{name}-{sources.hexdigest()[:12]}"
    ready = folder / ".ready"
    if not ready.exists():
        python = folder / "bin" / "python"
        run("-m", "uv", "venv", "--quiet", "--clear", "--python", sys.executable, folder)
        run("-m", "uv", "pip", "sync", "--quiet", "--require-hashes", "--python", python, requirements)
        complete(folder)
        ready.touch()
    return folder


@contextmanager
def needed() -> Iterator[None]:
    """Skip a test if its suite cannot be fetched; if `CI` is set, let it fail."""
    try:
        yield
    except UnreachableError as error:
        if "CI" in os.environ:
            raise
        pytest.skip(str(error))
