"""`make test-pythons`: which interpreters are found, and which files each of them tests."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "test_pythons.py"
BASH = shutil.which("bash") or "/bin/bash"


@pytest.fixture
def script() -> ModuleType:
    """The script, imported as a module."""
    spec = importlib.util.spec_from_file_location("scripts_test_pythons", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set PATH to one folder, without pyenv."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    return folder


def python(path: Path, about: str, code: int = 0) -> Path:
    """A fake interpreter that prints this description of itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{BASH}\necho '{about}'\necho '{path}'\nexit {code}\n")
    path.chmod(0o755)
    return path


class TestFind:
    def test_on_path_and_under_pyenv(self, script: Any, here: Path, tmp_path: Path) -> None:
        thirteen = python(here / "python3.13", "cpython 3.13.0 0")
        eleven = python(here / "python3", "cpython 3.11.2 0")
        twelve = python(tmp_path / "pyenv" / "versions" / "3.12.1" / "bin" / "python3", "cpython 3.12.1 0")
        assert script.find() == [("3.11.2", eleven), ("3.12.1", twelve), ("3.13.0", thirteen)]

    def test_each_version_once(self, script: Any, here: Path, tmp_path: Path) -> None:
        first = python(tmp_path / "pyenv" / "versions" / "3.12.1" / "bin" / "python3", "cpython 3.12.1 0")
        python(here / "python3.12", "cpython 3.12.1 0")
        (here / "python3").symlink_to(here / "python3.12")
        assert script.find() == [("3.12.1", first)]

    def test_others_are_left_out(self, script: Any, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        python(here / "python3.10", "cpython 3.10.13 0")
        python(here / "python3.11", "pypy 3.11.9 0")
        python(here / "python3.12", "cpython 3.12.4 0", code=1)
        python(here / "python3.13", "cpython 3.13.1 1")
        python(here / "python3.13-config", "cpython 3.13.1 0")
        (here / "python3").write_text(f"#!{BASH}\nexit 127\n")
        (here / "python3").chmod(0o755)
        (here / "python3.14").write_text("not a program")
        assert script.find() == []
        said = capsys.readouterr().out
        assert "python3.12 (3.12.4): it cannot make environments." in said
        assert "python3.13 (3.13.1): it is free-threaded." in said

    def test_the_one_of_these_tests(self, script: Any, here: Path) -> None:
        (here / "python3").symlink_to(sys.executable)
        (found,) = script.find()
        assert found.version == "{}.{}.{}".format(*sys.version_info[:3])
        assert found.executable.exists()


class TestMain:
    @pytest.mark.parametrize(("codes", "expected"), [((0, 0), 0), ((0, 2), 1), ((2, 0), 1)])
    def test_all_run_and_a_failure_counts(
        self,
        script: Any,
        here: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        codes: tuple[int, int],
        expected: int,
    ) -> None:
        python(here / "python3.12", "cpython 3.12.4 0")
        python(here / "python3.13", "cpython 3.13.1 0")
        outcomes = iter(codes)
        monkeypatch.setattr(script, "run_tests", lambda python: next(outcomes))
        assert script.main([]) == expected
        said = capsys.readouterr().out
        assert f"Found CPython 3.12.4: {here}/python3.12\nFound CPython 3.13.1: {here}/python3.13\n" in said
        summary = said.partition("The Python tests on every CPython:\n")[2].splitlines()
        assert [line.split()[:2] for line in summary] == [
            [version, "failed" if code else "passed"] for version, code in zip(("3.12.4", "3.13.1"), codes, strict=True)
        ]

    def test_some_of_them(self, script: Any, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for version in ("3.11.9", "3.12.4", "3.13.1"):
            python(here / f"python{version.rpartition('.')[0]}", f"cpython {version} 0")
        run: list[str] = []

        def run_tests(python: Any) -> int:
            run.append(python.version)
            return 0

        monkeypatch.setattr(script, "run_tests", run_tests)
        assert script.main(["3.13", "3.11.9"]) == 0
        assert run == ["3.11.9", "3.13.1"]

    @pytest.mark.parametrize("wanted", [[], ["3.1"], ["3.12", "3.14"]])
    def test_none_is_a_failure(
        self, script: Any, here: Path, capsys: pytest.CaptureFixture[str], wanted: list[str]
    ) -> None:
        if wanted:
            python(here / "python3.12", "cpython 3.12.4 0")
        assert script.main(wanted) == 1
        assert "was found on PATH or under pyenv" in capsys.readouterr().out


class TestCopies:
    @pytest.fixture
    def checkout(self, script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A repository with one file of its own, one executable, and a file that git ignores."""
        root = tmp_path / "checkout"
        (root / "src").mkdir(parents=True)
        (root / "src" / "one.py").write_text("one")
        (root / "run").write_text("#!/bin/sh\n")
        (root / "run").chmod(0o755)
        (root / ".gitignore").write_text("/target/\n/.pythons/\n")
        (root / "target").mkdir()
        (root / "target" / "built").write_text("built")
        subprocess.run(["git", "init", "--quiet", root], check=True)
        monkeypatch.setattr(script, "ROOT", root)
        monkeypatch.setattr(script, "FOLDER", root / ".pythons")
        return root

    def test_what_git_knows_or_may_know(self, script: Any, checkout: Path) -> None:
        copy = checkout / ".pythons" / "3.12.4"
        script.copy_sources(copy)
        names = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
        assert names == {"src/one.py", "run", ".gitignore", ".sources"}
        assert os.access(copy / "run", os.X_OK)

    def test_again(self, script: Any, checkout: Path) -> None:
        """A second copy leaves the times of unchanged files, so that tools do not build them again, and removes files
        that were removed from the repository."""
        copy = checkout / ".pythons" / "3.12.4"
        script.copy_sources(copy)
        (copy / "target").mkdir()
        (copy / "target" / "own").write_text("own")
        os.utime(copy / "run", (1, 1))
        os.utime(copy / "src" / "one.py", (1, 1))
        (checkout / "src" / "one.py").write_text("changed")
        (checkout / ".gitignore").rename(checkout / "ignored")
        (checkout / ".gitignore").write_text("/target/\n/.pythons/\n/ignored\n/gone\n")
        (checkout / "new").write_text("new")
        script.copy_sources(copy)
        (checkout / "new").unlink()
        script.copy_sources(copy)
        assert (copy / "run").stat().st_mtime == 1
        assert (copy / "src" / "one.py").stat().st_mtime > 1
        assert (copy / "src" / "one.py").read_text() == "changed"
        assert (copy / "target" / "own").exists()
        assert not (copy / "new").exists()

    def test_make_gets_the_interpreter(
        self, script: Any, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (checkout / "Makefile").write_text(
            'test-python:\n\t@echo "$(PYTHON) [$$PYO3_PYTHON] $(CURDIR)" >../seen; exit 3\n'
        )
        monkeypatch.setenv("PYO3_PYTHON", "another")
        monkeypatch.setenv("PYTHON", "another")
        code = script.run_tests(script.Python("3.12.4", Path("/some/python3")))
        assert code != 0
        seen = (checkout / ".pythons" / "seen").read_text()
        assert seen == f"/some/python3 [] {checkout}/.pythons/3.12.4\n"
