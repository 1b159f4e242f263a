"""Generates a client of an API with openapi-python-client, which has its own environment because of its many
dependencies."""

import os
import subprocess
from pathlib import Path

from tests.conformance.fetching import environment

REQUIREMENTS = Path(__file__).with_name("client_generator.txt")
CONFIGURATION = Path(__file__).with_name("client_generator.yaml")

SECONDS = 100


def interpreter() -> Path:
    """Return a Python with the locked generator. The first call makes its environment. Raises UnreachableError."""
    return environment("client-generator", REQUIREMENTS) / "bin" / "python"


def generate(python: Path, document: Path, folder: Path) -> None:
    """Generate a package from a document. A warning of the generator is an error."""
    command: list[str | Path] = [
        *(python, "-P", "-m", "openapi_python_client", "generate", "--fail-on-warning", "--meta", "none"),
        *("--config", CONFIGURATION, "--path", document, "--output-path", folder),
    ]
    path = f"{python.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"  # the generator runs ruff
    _run(command, document.parent, PATH=path)


def run(python: Path, program: Path, *arguments: str, packages: Path) -> str:
    """Return the output of a program that uses the packages in a folder."""
    return _run([python, "-W", "error", program, *arguments], packages, PYTHONPATH=str(packages))


def _run(command: list[str | Path], folder: Path, **variables: str) -> str:
    ended = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
