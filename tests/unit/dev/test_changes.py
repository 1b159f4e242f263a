"""Which files are watched, and what a change requires."""

from pathlib import Path

import pytest
from watchfiles import Change

from ropewalk.dev.changes import Action, WatchedFiles, action_for


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WatchedFiles:
    monkeypatch.chdir(tmp_path)
    return WatchedFiles(roots=frozenset([str(tmp_path)]), include=["*.sql"], exclude=["generated", "*_pb2.py"])


@pytest.mark.parametrize(
    "path", ["app.py", "web/views.py", "pages/a.HTML", "a.jinja", "x.toml", "site.css", "app.js", "schema.sql"]
)
def test_watched(watched: WatchedFiles, path: str) -> None:
    assert watched(None, str(Path.cwd() / path))


@pytest.mark.parametrize(
    "path",
    [
        *("data.sqlite", "notes.txt", ".git/config.toml", ".venv/lib/a.py", "__pycache__/a.py", "node_modules/x/i.js"),
        *("app.py~", ".#app.py", "#app.py#", ".app.py.swp", "4913", "app.py.bak"),
        *("generated/a.py", "generated/deep/a.py", "api_pb2.py"),
    ],
)
def test_not_watched(watched: WatchedFiles, path: str) -> None:
    assert not watched(None, str(Path.cwd() / path))


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("pkg/deep/a.py", True),
        ("pkg/notes.txt", False),
        ("pkg/node_modules/i.js", False),
        ("__pycache__/a.cpython-311.pyc", False),
        ("node_modules/i.js", False),
        ("generated/a.py", False),
    ],
)
def test_a_folder_that_is_moved_in(watched: WatchedFiles, tmp_path: Path, file: str, expected: bool) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).touch()
    folder = str(tmp_path / file.partition("/")[0])
    assert watched(Change.added, folder) == expected
    assert not watched(Change.modified, folder)


def test_a_virtual_environment_of_any_name(watched: WatchedFiles, tmp_path: Path) -> None:
    (tmp_path / "py311").mkdir()
    (tmp_path / "py311" / "pyvenv.cfg").touch()
    assert not watched(None, str(tmp_path / "py311" / "lib" / "a.py"))


def test_the_folders_above_the_watched_one_do_not_matter(tmp_path: Path) -> None:
    root = tmp_path / "node_modules" / "mine"
    assert WatchedFiles(roots=frozenset([str(root)]))(None, str(root / "web" / "a.py"))


def test_the_settings_file_is_watched_anywhere(tmp_path: Path) -> None:
    settings = str(tmp_path / ".git" / "other.conf")
    assert WatchedFiles(also=frozenset([settings]))(None, settings)


@pytest.mark.parametrize(
    ("paths", "cached", "expected"),
    [
        (["a.css"], True, Action.STYLES),
        (["a.css", "b.html"], False, Action.PAGE),
        (["b.html"], True, Action.RESTART),
        (["b.html", "a.py"], False, Action.RESTART),
        (["schema.sql"], False, Action.RESTART),
        (["/a/folder"], False, Action.RESTART),
    ],
)
def test_actions(paths: list[str], cached: bool, expected: Action) -> None:
    assert action_for(paths, pages_are_cached=cached) is expected
