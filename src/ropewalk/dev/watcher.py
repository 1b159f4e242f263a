"""Watches folders in a thread, and queues the paths that have changed."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import time
from typing import Any, Final, Protocol

from ropewalk.errors import optional_package

STEP: Final = 25
"""Milliseconds without a change after which the changes are reported. An editor saves a file in several steps."""
DEBOUNCE: Final = 400
"""The most milliseconds for which changes are collected, for example while a branch is checked out."""
RETRY: Final = 0.5
"""Seconds after which a folder that does not exist is looked for again."""

Identity = tuple[int, int]
"""The device and the inode of a folder. They change if the folder is removed and created again."""
Filter = Callable[[Any, str], bool]


class Watch(Protocol):
    """Watches folders until an event is set. Yields sets of changed paths. `watch_folders` is the usual
    implementation."""

    def __call__(self, folders: Sequence[Path], watched: Filter, stop: Event, /) -> Iterable[set[str]]: ...


class Watcher:
    """Watches folders in a thread. `wake` is called, in that thread, when there are changes to take."""

    def __init__(self, watch: Watch, watched: Filter, wake: Callable[[], object]) -> None:
        self.folders: tuple[Path, ...] = ()
        self.missing: SimpleQueue[str] = SimpleQueue()
        """Messages about folders that cannot be watched."""
        self._watch = watch
        self._watched = watched
        self._wake = wake
        self._changed: SimpleQueue[set[str]] = SimpleQueue()
        self._stop = Event()

    def start(self, folders: Iterable[Path], *, since: float | None = None) -> None:
        """Watch these folders, instead of the current ones.

        It takes a while until the system reports changes, longer for many folders. So files that have changed since
        this call, or since `since` (seconds since 1970), are found by their times once the system reports changes.
        """
        self.stop()
        self.folders = tuple(folders)
        self._stop = Event()
        given = (self.folders, self._stop, time() if since is None else since)
        Thread(target=self._run, args=given, name="ropewalk-dev-watcher", daemon=True).start()

    def stop(self) -> None:
        """End the thread, soon."""
        self._stop.set()

    def take(self) -> set[str]:
        """The paths that have changed since the last call."""
        paths: set[str] = set()
        while True:
            try:
                paths |= self._changed.get_nowait()
            except Empty:
                return paths

    def _run(self, folders: Sequence[Path], stop: Event, since: float | None) -> None:
        known: dict[Path, Identity] = {}
        first = True
        while not stop.is_set():
            present = _identities(folders)
            for folder in folders:
                if folder not in present and (folder in known or first):
                    self._report(f"RW312 {folder} does not exist. Its files are watched when it exists.")
            self._put({str(folder) for folder, each in present.items() if not first and known.get(folder) != each})
            known, first = present, False
            try:
                self._watch_present(present, folders, stop, since)
                since = None
            except OSError as error:  # a folder has disappeared meanwhile, or the system has no more watches
                if _identities(folders) == present:
                    self._report(f"RW312 {', '.join(map(str, present))} cannot be watched: {error}.")
                    return
            if len(present) < len(folders):
                stop.wait(RETRY)

    def _watch_present(
        self, present: "dict[Path, Identity]", folders: Sequence[Path], stop: Event, since: float | None
    ) -> None:
        """Watch until a folder is removed or replaced, or until a missing one exists again."""
        if not present:
            return
        for paths in self._watch(tuple(present), self._watched, stop):
            if not stop.is_set():
                self._put(paths if since is None else paths | changed_since(since, present, self._watched))
            since = None
            if _identities(folders) != present:
                return

    def _put(self, paths: set[str]) -> None:
        if paths:
            self._changed.put(paths)
            self._wake()

    def _report(self, message: str) -> None:
        self.missing.put(message)
        self._wake()


def _identities(folders: Iterable[Path]) -> dict[Path, Identity]:
    """The folders that exist."""
    found = {}
    for folder in folders:
        with suppress(OSError):
            status = folder.stat()
            found[folder] = status.st_dev, status.st_ino
    return found


def changed_since(since: float, folders: Iterable[Path], watched: Filter) -> set[str]:
    """The watched files in folders that have changed at or after a time."""
    found = set()
    for folder in folders:
        for above, names, files in os.walk(folder):
            names[:] = [name for name in names if watched(None, os.path.join(above, name, "a.py"))]  # noqa: PTH118
            for path in (os.path.join(above, name) for name in files):  # noqa: PTH118
                with suppress(OSError):  # the file was removed meanwhile
                    if watched(None, path) and os.stat(path).st_mtime >= since:  # noqa: PTH116
                        found.add(path)
    return found


def watch_folders(folders: Sequence[Path], watched: Filter, stop: Event, /) -> Iterator[set[str]]:
    """Watch folders with watchfiles. Yields an empty set once in a while, so that the caller can look for removed
    folders. Raises HandlerError (RW750) without watchfiles."""
    watchfiles = load_watchfiles()
    changes = watchfiles.watch(
        *folders,
        watch_filter=watched,
        debounce=DEBOUNCE,
        step=STEP,
        stop_event=stop,
        rust_timeout=1000,
        yield_on_timeout=True,
        raise_interrupt=False,
        ignore_permission_denied=True,
    )
    for batch in changes:
        yield {path for _, path in batch}


def load_watchfiles() -> Any:
    """Import watchfiles. Raises MissingPackage (RW750) if it is not installed."""
    return optional_package("watchfiles", "watchfiles", "`ropewalk dev`", extra="dev", code="RW750")
