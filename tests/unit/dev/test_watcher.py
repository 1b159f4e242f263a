"""The thread that watches folders, with a list of changes instead of watchfiles."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from time import time

import pytest

from ropewalk.dev import watcher as module
from ropewalk.dev.watcher import Filter, Watcher
from ropewalk.errors import MissingPackage


class Woken:
    """Counts the calls of `wake`, and waits for one."""

    def __init__(self) -> None:
        self.event = Event()

    def __call__(self) -> None:
        self.event.set()

    def wait(self) -> None:
        assert self.event.wait(20)
        self.event.clear()


def test_changes_are_queued(tmp_path: Path) -> None:
    def watch(folders: Sequence[Path], watched: Filter, stop: Event) -> Iterator[set[str]]:
        assert folders == (tmp_path,)
        yield {"a.py"}
        yield set()
        yield {"b.py"}
        stop.wait(20)

    woken = Woken()
    watcher = Watcher(watch, lambda *_: True, woken)
    watcher.start([tmp_path])
    taken: set[str] = set()
    while taken != {"a.py", "b.py"}:
        woken.wait()
        taken |= watcher.take()
    assert watcher.take() == set()
    watcher.stop()


def test_changes_before_the_watch_is_set_are_found(tmp_path: Path) -> None:
    now = time()
    times = {
        "old.py": now - 10,
        "new.py": now + 10,
        "new.txt": now + 10,
        "ignored/new.py": now + 10,
        "a/b/c.py": now + 10,
    }
    for name, changed in times.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (changed, changed))

    def watch(folders: Sequence[Path], watched: Filter, stop: Event) -> Iterator[set[str]]:
        yield set()
        stop.wait(20)

    woken = Woken()
    watcher = Watcher(watch, lambda _, path: path.endswith(".py") and "ignored" not in path, woken)
    for since, found in ((None, {"new.py", "a/b/c.py"}), (now - 20, {"old.py", "new.py", "a/b/c.py"})):
        watcher.start([tmp_path], since=since)
        woken.wait()
        assert watcher.take() == {str(tmp_path / name) for name in found}
    watcher.stop()


def test_a_folder_that_is_removed_and_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    steps = iter([lambda: folder.rmdir(), lambda: folder.mkdir()])

    def watch(folders: Sequence[Path], watched: Filter, stop: Event) -> Iterator[set[str]]:
        next(steps, stop.wait)()
        yield set()

    woken = Woken()
    watcher = Watcher(watch, lambda *_: True, woken)
    watcher.start([folder])
    woken.wait()
    assert watcher.missing.get() == f"RW312 {folder} does not exist. Its files are watched when it exists."
    folder.mkdir()
    woken.wait()
    assert watcher.take() == {str(folder)}
    watcher.stop()


def test_a_folder_that_cannot_be_watched(tmp_path: Path) -> None:
    def watch(folders: Sequence[Path], watched: Filter, stop: Event) -> Iterator[set[str]]:
        raise OSError("too many watches")

    woken = Woken()
    watcher = Watcher(watch, lambda *_: True, woken)
    watcher.start([tmp_path])
    woken.wait()
    assert watcher.missing.get() == f"RW312 {tmp_path} cannot be watched: too many watches."
    watcher.stop()


def test_without_watchfiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "watchfiles", None)
    with pytest.raises(MissingPackage, match=r"RW750 `ropewalk dev` needs watchfiles.*ropewalk\[dev\]"):
        module.load_watchfiles()
