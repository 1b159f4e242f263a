"""The writer of the access log. The engine formats the lines, in `engine/src/access_log.rs`."""

import sys
from pathlib import Path

from ropewalk.server.log_targets import FileTarget, target_of
from ropewalk.server.log_writer import MOST_WAITING, LogWriter


class AccessLog(LogWriter):
    """Appends lines to a file, or to the standard output if `path` is None.

    Raises OSError if the file cannot be opened.
    """

    def __init__(self, path: Path | None = None, *, most_waiting: int = MOST_WAITING) -> None:
        target = target_of(sys.stdout) if path is None else FileTarget(path)
        super().__init__(target, "The access log", most_waiting=most_waiting)
