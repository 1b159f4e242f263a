"""The environment of a program: its locked packages, this checkout of Ropewalk, and the source of its tests."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from interop.program import Program

ROOT: Final = Path(__file__).resolve().parent.parent
CACHE: Final = ROOT / ".interop"


class Environment:
    """A folder below `.interop/`. It is created again if the lock, the sources or the Python have changed."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.folder = CACHE / program.folder.name
        self.bin = self.folder / "bin"
        self.python = self.bin / "python"
        self.sources = self.folder / "sources"
        """The folder of the unpacked source package."""

    def prepare(self) -> None:
        """Create the environment if it is out of date. Raises CalledProcessError."""
        stamp = self.folder / "made-from"
        if stamp.exists() and stamp.read_text() == self._wanted():
            return
        print(
            f"Installing {self.program.name} {self.program.version} into {self.folder.relative_to(ROOT)} ...",
            flush=True,
        )
        venv.create(self.folder, clear=True, with_pip=True, symlinks=True)
        self._pip("install", "--requirement", self.program.lock)
        self._link_ropewalk()
        if self.program.tests_in:
            self._fetch(self.program.tests_in)
        stamp.write_text(self._wanted())

    def _wanted(self) -> str:
        lock = hashlib.sha256(self.program.lock.read_bytes()).hexdigest()
        return f"{sys.version}\n{ROOT}\n{lock}\n{self.program.tests_in}\n{self.program.put}\n"

    @property
    def _packages(self) -> Path:
        (packages,) = (self.folder / "lib").glob("python3.*/site-packages")
        return packages

    def _link_ropewalk(self) -> None:
        (self._packages / "ropewalk.pth").write_text(f"{ROOT / 'src'}\n")
        command = self.bin / "ropewalk"
        command.write_text(f"#!{self.python}\nfrom ropewalk.cli import main\n\nmain()\n")
        command.chmod(0o755)

    def _fetch(self, requirement: str) -> None:
        name = requirement.partition("==")[0]
        with TemporaryDirectory() as scratch:
            wanted = Path(scratch) / "wanted.txt"
            wanted.write_text(requirement)
            options = ("--no-deps", "--no-binary", name, "--require-hashes", "--dest", scratch)
            self._pip("download", *options, "--requirement", wanted)
            (package,) = Path(scratch).glob("*.tar.gz")
            with tarfile.open(package) as archive:
                archive.extractall(scratch, filter="data")
            shutil.move(Path(scratch) / package.name.removesuffix(".tar.gz"), self.sources)
        for folder in self.program.put:
            shutil.copytree(self.sources / folder, self._packages / folder, dirs_exist_ok=True)

    def _pip(self, command: str, *arguments: str | Path) -> None:
        pip: list[str | Path] = [self.python, "-m", "pip", command, "--quiet", "--disable-pip-version-check"]
        ours = Path(sys.executable).parent  # has maturin, which some source packages need
        environment = os.environ | {"PATH": f"{ours}{os.pathsep}{os.environ['PATH']}"}
        subprocess.run([*pip, *arguments], env=environment, check=True)
