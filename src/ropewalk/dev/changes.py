"""Which changed files matter to `ropewalk dev`, and what a change requires."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum
from fnmatch import fnmatch
from functools import lru_cache
from importlib.util import cache_from_source
from itertools import islice
from pathlib import Path
from typing import Final

STYLES: Final = frozenset((".css",))
"""Endings of files that browsers replace without loading the page again."""
PAGES: Final = frozenset((".htm", ".html", ".j2", ".jinja", ".jinja2", ".js", ".mjs"))
"""Endings of files that are read again for each page."""
CODE: Final = frozenset((".py", ".pyi", ".toml"))
"""Endings of files that the worker reads once."""

_FOLDERS: Final = frozenset(
    (
        *(".git", ".hg", ".svn", ".jj", ".venv", "venv", "node_modules", "__pycache__", "site-packages"),
        *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".tox", ".nox", ".idea", ".vscode"),
    )
)
"""Folders whose files are never watched."""
_ADDED: Final = 1
"""The number that is equal to `watchfiles.Change.added`, so that this module need not import watchfiles."""
_MOST_FOLDERS: Final = 100
"""In a folder that is added: the most folders in which a watched file is looked for."""
_BACKUPS: Final = ("*~", ".#*", "#*#", "*.sw[a-p]", "*.swx", "*.tmp", "*.bak", "*.orig", "4913", "*___jb_*___")
"""Names of files that editors make while they save."""


class Action(IntEnum):
    """What a change requires. A greater value includes the smaller ones."""

    STYLES = 1
    """Browsers replace their style sheets."""
    PAGE = 2
    """Browsers load the page again."""
    RESTART = 3
    """A new worker is started, and browsers load the page again."""


@dataclass(frozen=True, kw_only=True)
class WatchedFiles:
    """Decides whether a file is watched."""

    roots: frozenset[str] = field(default_factory=frozenset)
    """The watched folders. The names of the folders above them do not matter."""
    include: Sequence[str] = ()
    """Patterns of further names, such as `*.sql`."""
    exclude: Sequence[str] = ()
    """Patterns of names, or of paths relative to the working directory, that are not watched."""
    also: frozenset[str] = field(default_factory=frozenset)
    """Absolute paths that are always watched, such as the settings file."""

    def __call__(self, change: object, path: str) -> bool:
        """Whether a path is watched. This is the interface of a filter of watchfiles.

        A folder that is added is watched if it has a watched file, because the system does not report the files of a
        folder that is moved to this place.
        """
        if path in self.also:
            return True
        if change == _ADDED and os.path.isdir(path):  # noqa: PTH112
            return self._has_watched_file(path)
        name = os.path.basename(path)  # noqa: PTH119 - called for each of many changed files
        if any(fnmatch(name, pattern) for pattern in _BACKUPS) or _is_ignored(os.path.dirname(path), self.roots):  # noqa: PTH120
            return False
        relative = os.path.relpath(path)
        if any(fnmatch(name, each) or _is_below(relative, each) for each in self.exclude):
            return False
        ending = os.path.splitext(name)[1].lower()  # noqa: PTH122
        known = ending in STYLES or ending in PAGES or ending in CODE
        return known or any(fnmatch(name, each) or fnmatch(relative, each) for each in self.include)

    def _has_watched_file(self, folder: str) -> bool:
        for above, names, files in islice(os.walk(folder), _MOST_FOLDERS):
            names[:] = [name for name in names if self(None, os.path.join(above, name, "a.py"))]  # noqa: PTH118
            if any(self(None, os.path.join(above, name)) for name in files):  # noqa: PTH118
                return True
        return False


def action_for(paths: Iterable[str], *, pages_are_cached: bool) -> Action:
    """What the changes of these files require. `pages_are_cached`: whether the worker keeps templates in memory."""
    return max(_action(path, pages_are_cached) for path in paths)


def forget_bytecode(paths: Iterable[str]) -> None:
    """Remove the cached bytecode of changed files.

    Python compares the size of the source and the time of its change in whole seconds. So it would run the old code
    after two changes within a second that leave the size unchanged.
    """
    for path in paths:
        if path.endswith(".py"):
            with suppress(OSError, NotImplementedError):  # there is no bytecode, or this Python has no cache for it
                Path(cache_from_source(path)).unlink()


def _action(path: str, pages_are_cached: bool) -> Action:
    ending = os.path.splitext(path)[1].lower()  # noqa: PTH122
    if ending in STYLES:
        return Action.STYLES
    if ending in PAGES and not pages_are_cached:
        return Action.PAGE
    return Action.RESTART


def _is_below(path: str, pattern: str) -> bool:
    """Whether a path, or a folder above it, matches a pattern."""
    pattern = pattern.rstrip("/")
    while path and path != "/":
        if fnmatch(path, pattern):
            return True
        path = os.path.dirname(path)  # noqa: PTH120
    return False


@lru_cache(maxsize=4096)
def _is_ignored(folder: str, roots: frozenset[str]) -> bool:
    """Whether a folder, or a folder above it up to a root, is never watched: a known name, or a virtual environment."""
    if folder in roots:
        return False
    if os.path.basename(folder) in _FOLDERS or (Path(folder) / "pyvenv.cfg").exists():  # noqa: PTH119
        return True
    above = os.path.dirname(folder)  # noqa: PTH120
    return above != folder and _is_ignored(above, roots)
