"""Other people's suites are fetched once into the environment that runs the tests, and never into the repository."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CACHE = Path(sys.prefix, "share", "conformance")


class UnreachableError(Exception):
    """A package cannot be fetched."""


def run(*command: str | Path) -> None:
    """Run a command of this interpreter, such as `-m pip`. Raises UnreachableError."""
    ended = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        reason = (ended.stderr.strip() or "it does not say why").splitlines()[-1]
        raise UnreachableError(f"{command[1]} cannot fetch what these tests need: {reason}")


@contextmanager
def needed() -> Iterator[None]:
    """Skip a test where its suite cannot be fetched; where `CI` is set, let it fail."""
    try:
        yield
    except UnreachableError as error:
        if "CI" in os.environ:
            raise
        pytest.skip(str(error))
