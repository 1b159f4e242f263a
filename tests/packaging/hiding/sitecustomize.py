"""Hides the modules that are named in ROPEWALK_TEST_HIDDEN from a process, as if they were not installed. Python
imports this file at its start if the folder is on PYTHONPATH, in child processes too.
"""

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Hidden:
    """A finder in front of all others, which refuses to find the hidden packages."""

    def __init__(self, modules: set[str]) -> None:
        self.modules = modules

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raises ModuleNotFoundError for a hidden package."""
        if name.partition(".")[0] in self.modules:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


sys.meta_path.insert(0, _Hidden(set(os.environ.get("ROPEWALK_TEST_HIDDEN", "").split())))
