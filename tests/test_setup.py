"""The setup: the messages on a machine without the tools, and the targets of the Makefile."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import SLOW_FOLDERS

SCRIPTS = Path(__file__).parent.parent / "scripts"
BASH = shutil.which("bash") or "/bin/bash"


def run(script: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([BASH, SCRIPTS / script], env=environment, capture_output=True, text=True, check=False)


def program(path: Path, *lines: str) -> None:
    path.write_text("\n".join([f"#!{BASH}", *lines, ""]))
    path.chmod(0o755)


def test_without_a_python(tmp_path: Path) -> None:
    ended = run("find-python", {"PATH": str(tmp_path)})
    assert ended.returncode == 1
    assert ended.stderr.startswith("Ropewalk needs Python 3.11 or newer.")


def test_a_python_that_is_too_old(tmp_path: Path) -> None:
    program(tmp_path / "python3", "exit 1")
    assert run("find-python", {"PATH": str(tmp_path)}).returncode == 1


def test_finds_a_newer_python_after_an_older_one(tmp_path: Path) -> None:
    program(tmp_path / "python3", "exit 1")
    program(tmp_path / "python3.12", "exit 0")
    assert run("find-python", {"PATH": str(tmp_path)}).stdout == f"{tmp_path}/python3.12\n"


def test_a_python_that_is_named(tmp_path: Path) -> None:
    program(tmp_path / "python3", "exit 0")
    program(tmp_path / "mine", "exit 0")
    assert run("find-python", {"PATH": str(tmp_path), "PYTHON": "mine"}).stdout == f"{tmp_path}/mine\n"


def test_without_cargo(tmp_path: Path) -> None:
    ended = run("need-rust", {"PATH": str(tmp_path)})
    assert ended.returncode == 1
    assert "needs cargo" in ended.stderr


def test_without_a_linker(tmp_path: Path) -> None:
    program(tmp_path / "cargo", "exit 0")
    ended = run("need-rust", {"PATH": str(tmp_path)})
    assert ended.returncode == 1
    assert "needs a C linker" in ended.stderr


def test_with_cargo_and_a_linker(tmp_path: Path) -> None:
    program(tmp_path / "cargo", "exit 0")
    program(tmp_path / "cc", "exit 0")
    assert run("need-rust", {"PATH": str(tmp_path)}).returncode == 0


def test_make_warns_of_an_environment_of_another_python(tmp_path: Path) -> None:
    program(tmp_path / "mine", "echo '3.99 (another one)'")
    for named, expected in ((tmp_path / "mine", True), (Path(sys.executable), False)):
        command = ["make", "help", f"PYTHON={named}"]
        ended = subprocess.run(command, cwd=SCRIPTS.parent, capture_output=True, text=True, check=True)
        if (SCRIPTS.parent / ".venv" / "bin" / "python").exists():
            assert (f"is of another Python than PYTHON={named}, and is used" in ended.stderr) == expected


def make(*arguments: str) -> str:
    ended = subprocess.run(["make", *arguments], cwd=SCRIPTS.parent, capture_output=True, text=True, check=True)
    return ended.stdout


def test_help_names_the_quick_check_and_the_port_to_serve_on() -> None:
    lines = make("help").splitlines()
    assert [line.split()[1] for line in lines if "a minute or two" in line] == ["quick"]
    assert [line.split()[1] for line in lines if "PORT=9000" in line] == ["serve"]


def test_help_lists_every_target() -> None:
    rules = (SCRIPTS.parent / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?m)^\.PHONY: (\S+)$", rules))
    listed = {line.split()[1] for line in make("help").splitlines()}
    assert targets - listed == set(), "add a comment to these targets in the Makefile: `target: ## What it does`"


def test_serve_takes_a_port() -> None:
    assert "ropewalk run examples/hello.py --port 9000" in make("--dry-run", "serve", "PORT=9000")
    assert "--port" not in make("--dry-run", "serve", "PORT=")


def test_the_folders_that_are_slow_exist() -> None:
    assert [folder for folder in SLOW_FOLDERS if not (SCRIPTS.parent / "tests" / folder).is_dir()] == []
