"""`ropewalk new`: projects that work as they are generated."""

import configparser
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path, PurePosixPath
from typing import get_args

import pytest
from click.testing import CliRunner, Result
from tests.packaging.installations import HIDING, hidden_modules
from tests.processes import ROOT

from ropewalk.cli import main, project
from ropewalk.cli.project import MOST_CHARACTERS, Kind, Project, project_files

MORE = "More: ropewalk explain RW320\n"

KINDS: tuple[Kind, ...] = get_args(Kind)


def new(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["new", *arguments])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def generated(kind: Kind, name: str = "guest-book") -> dict[str, str]:
    return {f"{path}": text for path, text in project_files(kind, Project(Path(name), name))}


class TestNames:
    @pytest.mark.parametrize("name", ["guest-book", "guest_book", "a", "room2", "x" * MOST_CHARACTERS])
    def test_a_possible_one(self, folder: Path, name: str) -> None:
        result = new("site", name)
        assert result.exit_code == 0, result.output
        assert (folder / name / name.replace("-", "_") / "__init__.py").is_file()

    def test_a_path(self, folder: Path) -> None:
        (folder / "work").mkdir()
        assert new("api", "work/rooms").exit_code == 0
        assert (folder / "work" / "rooms" / "rooms" / "service.py").is_file()

    def test_a_path_with_a_space(self, folder: Path) -> None:
        """The printed command can be pasted."""
        (folder / "my work").mkdir()
        assert "\n    cd 'my work/rooms'\n" in new("api", "my work/rooms").output

    @pytest.mark.parametrize(
        ("name", "meant"),
        [("GuestBook", "guest-book"), ("guest book", "guest-book"), ("Rooms", "rooms"), ("-a", "a"), ("été", "ete")],
    )
    def test_a_similar_one_is_suggested(self, folder: Path, name: str, meant: str) -> None:
        result = new("site", "--", name)
        assert result.exit_code == 2
        assert result.stderr == f"RW320 {name!r} cannot be the name of a project. Did you mean {meant}?\n{MORE}"

    @pytest.mark.parametrize("name", ["", ".", "..", "/", "2rooms", "été", "部屋", "x" * (MOST_CHARACTERS + 1)])
    def test_an_impossible_one(self, folder: Path, name: str) -> None:
        result = new("site", name)
        assert result.exit_code == 2
        assert result.stderr.startswith("RW320 ")
        assert list(folder.iterdir()) == []

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("class", "is a keyword of Python"),
            ("json", "is a module of Python"),
            ("twisted", "is an installed package, which the project would hide"),
            ("ropewalk", "is an installed package, which the project would hide"),
            ("tests", "is the name of something else in the project"),
            ("ropewalk_demo", "begins with ropewalk, so that its variables would look like settings of Ropewalk"),
        ],
    )
    def test_one_that_hides_another_module(self, folder: Path, name: str, why: str) -> None:
        result = new("api", name)
        assert result.exit_code == 2
        better = f"my-{name.replace('_', '-')}"
        assert result.stderr == f"RW320 {name} {why}. Choose another name, such as {better}.\n{MORE}"

    @pytest.mark.parametrize("path", ["", "guest_book.py", "guest_book/__init__.py"])
    def test_what_is_in_the_working_directory_is_not_installed(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        monkeypatch.syspath_prepend(folder)  # `python -m ropewalk` puts the working directory on the path, too
        (folder / "guest_book").mkdir()
        (folder / path).touch()
        assert new("site", "guest-book").exit_code == 0
        again = new("site", "guest-book")
        assert again.stderr.startswith("RW321 guest-book exists, and is not empty. ")

    def test_a_package_in_another_folder_of_the_path(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (folder / "elsewhere" / "guest_book").mkdir(parents=True)
        monkeypatch.syspath_prepend(folder / "elsewhere")
        assert new("site", "guest-book").stderr.startswith("RW320 guest_book is an installed package, ")

    @pytest.mark.parametrize("kind", KINDS)
    def test_one_of_a_module_of_the_tests(self, folder: Path, kind: Kind) -> None:
        modules = [PurePosixPath(path).stem for path in generated(kind) if path.startswith("tests/")]
        assert len(modules) > 1
        for module in modules:
            result = new(kind, module.replace("_", "-"))
            assert result.stderr.startswith(f"RW320 {module} is the name of something else in the project. ")

    def test_an_unknown_kind(self, folder: Path) -> None:
        result = new("blog", "rooms")
        assert result.exit_code == 2
        assert "'site', 'api'" in result.stderr


class TestWriting:
    def test_existing_files_are_kept(self, folder: Path) -> None:
        (folder / "rooms").mkdir()
        (folder / "rooms" / "mine").write_text("mine")
        result = new("site", "rooms")
        assert result.exit_code == 2
        assert result.stderr.startswith("RW321 rooms exists, and is not empty. ")
        assert names(folder / "rooms") == ["mine"]
        assert names(folder) == ["rooms"]

    def test_an_existing_file_is_kept(self, folder: Path) -> None:
        (folder / "rooms").write_text("mine")
        assert new("site", "rooms").stderr.startswith("RW321 rooms exists, and is not a folder. ")
        assert (folder / "rooms").read_text() == "mine"

    def test_a_link_is_kept(self, folder: Path) -> None:
        (folder / "rooms").symlink_to("elsewhere")
        assert new("site", "rooms").stderr.startswith("RW321 rooms exists, and is not a folder. ")
        assert names(folder) == ["rooms"]

    def test_a_link_to_an_empty_folder_is_kept(self, folder: Path) -> None:
        (folder / "elsewhere").mkdir()
        (folder / "rooms").symlink_to("elsewhere")
        assert new("site", "rooms").stderr.startswith("RW321 rooms is a symbolic link. ")
        assert names(folder / "elsewhere") == []

    def test_an_empty_folder_is_used(self, folder: Path) -> None:
        (folder / "rooms").mkdir()
        assert new("site", "rooms").exit_code == 0

    def test_a_folder_with_only_a_git_repository_is_used(self, folder: Path) -> None:
        (folder / "rooms" / ".git").mkdir(parents=True)
        (folder / "rooms" / ".git" / "HEAD").write_text("ref: refs/heads/main")
        assert new("site", "rooms").exit_code == 0
        assert sorted(names(folder / "rooms")) == sorted(
            {".git", *(PurePosixPath(path).parts[0] for path in generated("site", "rooms"))}
        )
        assert (folder / "rooms" / ".git" / "HEAD").read_text() == "ref: refs/heads/main"
        assert names(folder) == ["rooms"]
        assert new("site", "rooms").stderr.startswith("RW321 rooms exists, and is not empty. ")

    def test_a_file_that_appears_beside_a_git_repository_is_kept(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (folder / "rooms" / ".git").mkdir(parents=True)
        write = Path.write_text

        def late(file: Path, text: str, encoding: str) -> int:
            write(folder / "rooms" / "tests", "mine")
            return write(file, text, encoding=encoding)

        monkeypatch.setattr(Path, "write_text", late)
        assert new("site", "rooms").stderr.startswith("RW321 rooms exists. ")
        assert sorted(names(folder / "rooms")) == [".git", "tests"]
        assert (folder / "rooms" / "tests").read_text() == "mine"
        assert names(folder) == ["rooms"]

    def test_files_that_appear_meanwhile_are_kept(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        rename = os.rename

        def late(source: Path, target: Path) -> None:
            target.mkdir()
            (target / "mine").write_text("mine")
            rename(source, target)

        monkeypatch.setattr(os, "rename", late)
        assert new("site", "rooms").stderr.startswith("RW321 rooms exists. ")
        assert names(folder) == ["rooms"]
        assert names(folder / "rooms") == ["mine"]

    def test_a_missing_folder(self, folder: Path) -> None:
        result = new("site", "nowhere/rooms")
        assert result.exit_code == 2
        assert result.stderr.startswith("RW322 nowhere/rooms cannot be created: No such file or directory. ")

    def test_nothing_is_left_of_a_failure(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_text", full)
        result = new("site", "rooms")
        assert result.exit_code == 2
        assert result.stderr.startswith("RW322 rooms cannot be created: No space left on device. ")
        assert list(folder.iterdir()) == []

    def test_others_may_read_the_folder_as_the_umask_says(self, folder: Path) -> None:
        before = os.umask(0o022)
        try:
            assert new("site", "rooms").exit_code == 0
        finally:
            os.umask(before)
        assert (folder / "rooms").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("kind", KINDS)
class TestFiles:
    def test_what_a_project_needs_is_there(self, kind: Kind) -> None:
        needed = {".dockerignore", ".gitignore", "Dockerfile", "README.md", "guest-book.service", "pyproject.toml"}
        assert {*needed, "ropewalk.toml", "guest_book/__init__.py", "tests/conftest.py"} <= generated(kind).keys()

    def test_no_placeholder_is_left(self, kind: Kind) -> None:
        text = "".join(f"{path} {text}" for path, text in generated(kind).items())
        assert re.findall(r"project_package|project-name|PROJECT_PREFIX|Project Title|\.template|dot-", text) == []

    def test_no_secret_is_in_a_file(self, kind: Kind) -> None:
        """Two projects with the same name have the same files, so a secret cannot be in them."""
        assert generated(kind) == generated(kind)
        assert not [path for path in generated(kind) if path.startswith(".env")]

    def test_the_settings(self, kind: Kind) -> None:
        files = generated(kind)
        assert tomllib.loads(files["ropewalk.toml"])["target"] == "guest_book"
        settings = tomllib.loads(files["pyproject.toml"])
        assert settings["project"]["name"] == "guest-book"
        assert settings["tool"]["mypy"]["strict"] is True

    def test_the_extras_exist(self, kind: Kind) -> None:
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        settings = tomllib.loads(generated(kind)["pyproject.toml"])
        needed = [*settings["project"]["dependencies"], *settings["project"]["optional-dependencies"]["dev"]]
        wanted = re.findall(r"ropewalk\[(.*?)\]", " ".join(needed))
        assert {extra for each in wanted for extra in each.split(",")} <= {*extras, "dev"}

    def test_the_image(self, kind: Kind) -> None:
        """The Dockerfile has only known instructions. Its last stage does not run as root, has a health check, and gets
        no secret."""
        stages: list[list[tuple[str, str]]] = []
        for line in re.sub(r"(?m)^#.*\n|\\\n", "", generated(kind)["Dockerfile"]).splitlines():
            if line:
                instruction, _, rest = line.strip().partition(" ")
                if instruction == "FROM":
                    stages.append([])
                stages[-1].append((instruction, rest.strip()))
        known = {"FROM", "WORKDIR", "RUN", "COPY", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "CMD"}
        assert {instruction for stage in stages for instruction, _ in stage} <= known
        assert len(stages) == 2
        last = dict(stages[-1])
        assert last["USER"] == "app"
        assert "healthz" in last["HEALTHCHECK"]
        assert last["CMD"] == '["ropewalk", "run"]'
        assert "SECRET" not in last["ENV"]
        assert all(shlex.split(rest) for stage in stages for instruction, rest in stage if instruction == "RUN")

    def test_the_unit(self, kind: Kind, tmp_path: Path) -> None:
        text = generated(kind)["guest-book.service"]
        unit = configparser.ConfigParser(interpolation=None, strict=False)
        unit.optionxform = str  # type: ignore[assignment, method-assign] # keeps capital letters
        unit.read_string(text)
        service = unit["Service"]
        assert service["DynamicUser"] == "yes"
        assert service["ProtectSystem"] == "strict"
        assert int(service["TimeoutStopSec"]) > 30

    def test_systemd_accepts_the_unit(self, kind: Kind, tmp_path: Path) -> None:
        text = generated(kind)["guest-book.service"]
        file = tmp_path / "guest-book.service"
        file.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", text))
        try:
            done = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip("systemd-analyze is not installed")
        assert (done.returncode, [line for line in done.stderr.splitlines() if "guest-book" in line]) == (0, [])


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
class TestProjects:
    """The projects pass their own checks."""

    @pytest.mark.parametrize(
        "command",
        [
            "mypy --cache-dir /dev/null",
            "pytest -q -p no:cacheprovider -p no:schemathesis",
            "ropewalk check --port 0",
            "ropewalk routes",
            "ropewalk openapi",
        ],
    )
    def test_a_command(self, folder: Path, kind: Kind, command: str) -> None:
        assert new(kind, "guest-book").exit_code == 0
        code, output = run(folder / "guest-book", command, {"GUEST_BOOK_SECRET": "x" * 32})
        assert code == 0, output

    def test_its_extras_are_enough(self, folder: Path, kind: Kind) -> None:
        assert new(kind, "guest-book").exit_code == 0
        (needed,) = tomllib.loads(generated(kind)["pyproject.toml"])["project"]["dependencies"]
        hidden = hidden_modules(tuple(re.findall(r"\w+", needed.partition("[")[2])))
        environment = {"PYTHONPATH": str(HIDING), "ROPEWALK_TEST_HIDDEN": " ".join(hidden)}
        command = "ropewalk check --port 0"
        code, output = run(folder / "guest-book", command, environment | {"GUEST_BOOK_SECRET": "x" * 32})
        assert code == 0, output
        assert "guest_book:app can be served" in output
        assert "not installed" not in output

    @pytest.mark.parametrize("name", ["a", "guest-book", "the-" + "x" * (MOST_CHARACTERS - 4)])
    @pytest.mark.parametrize("command", ["ruff check --no-cache .", "ruff format --no-cache --check ."])
    def test_the_style(self, folder: Path, kind: Kind, command: str, name: str) -> None:
        assert new(kind, name).exit_code == 0
        code, output = run(folder / name, command, {})
        assert code == 0, output


def test_a_site_is_short() -> None:
    code = [text for path, text in generated("site").items() if path.endswith(".py") and not path.startswith("tests/")]
    assert len([line for line in "".join(code).splitlines() if line.strip()]) < 150


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_import_creates_no_file(folder: Path, kind: Kind) -> None:
    assert new(kind, "guest-book").exit_code == 0
    before = set((folder / "guest-book").rglob("*"))
    code, output = run(folder / "guest-book", "ropewalk routes", {"GUEST_BOOK_SECRET": "x" * 32})
    assert code == 0, output
    assert {
        path for path in set((folder / "guest-book").rglob("*")) - before if "__pycache__" not in str(path)
    } == set()


@pytest.mark.slow
def test_a_service_without_a_secret(folder: Path) -> None:
    assert new("api", "rooms").exit_code == 0
    code, output = run(folder / "rooms", "ropewalk run", {})
    assert code == 2
    assert "RuntimeError: ROOMS_SECRET must be set to at least 32 random characters: export ROOMS_SECRET=" in output


def run(folder: Path, command: str, variables: dict[str, str]) -> tuple[int, str]:
    """The exit code and the output of a command of the environment in which the tests run."""
    program, *arguments = command.split()
    done = subprocess.run(
        [sys.executable, "-m", program, *arguments],
        cwd=folder,
        env=os.environ | {"NO_COLOR": "1"} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_every_file_of_a_template_is_one() -> None:
    """Every file in the folders of the templates ends in `.template`. `ropewalk new` copies only these, so any other
    file would be in the wheel, but in no project."""
    folder = Path(project.__file__).parent.parent / "project_templates"
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files
    assert [file for file in files if file.suffix != ".template" or file.name.startswith(".")] == []
    assert PurePosixPath("README.md") in {path for path, _ in project_files("site", Project(Path("a"), "a"))}
