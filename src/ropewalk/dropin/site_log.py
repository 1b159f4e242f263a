"""Lines for the log files of sites, where those are `twisted.python.logfile`'s.

Such a file writes to a raw file and ignores how much of it was written, so that a full disk cuts a line and the next
one is joined to it. It stays on the reactor's thread, as without us: it is the program's, which may rotate, close or
read it at any time, and it can be no pipe, only a file.
"""

from io import RawIOBase
from typing import Any

from twisted.logger import Logger

from ropewalk.server.log_targets import start_of_line

log = Logger(namespace="ropewalk.dropin")


class SiteLogs:
    """Writes to log files, and counts what they do not take."""

    def __init__(self) -> None:
        self.lost: dict[Any, int] = {}
        """Lines that are lost, by the file that fails."""

    def write(self, file: Any, text: str) -> None:
        """Write whole lines. A full disk or a closed file is no reason to serve no request any more: it is logged."""
        raw = None
        try:
            if file.shouldRotate():
                file.flush()
                file.rotate()
            raw = _whole(file)
            file.write(text)
        except Exception:  # noqa: BLE001 - a program's own file may raise anything
            if file not in self.lost:
                log.failure("Lines of {file} are lost.", file=file)
            lost = text.count("\n") if raw is None else raw.take_lost()
            self.lost[file] = self.lost.get(file, 0) + lost
        else:
            if file in self.lost:
                if raw is not None:
                    self.lost[file] += raw.take_lost()
                self._report(file)

    def close(self) -> None:
        """Report what has not been reported."""
        for file in tuple(self.lost):
            self._report(file)

    def _report(self, file: Any) -> None:
        count = self.lost.pop(file)
        lines = {0: "no line is", 1: "1 line is"}.get(count, f"{count} lines are")
        log.warn("{file} has a gap: {lines} lost.", file=file, lines=lines)


class WholeLines:
    """In the place of the raw file in a log file: completes a line that was cut before it writes the next one."""

    def __init__(self, raw: RawIOBase) -> None:
        self._raw = raw
        self._rest = b""
        """Of the line that was cut, which counts as lost until this is written."""
        self._lost = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def write(self, data: bytes) -> int:
        """Write all, or raise OSError, and keep nothing but the rest of a line that was cut."""
        rest, self._rest = self._rest, b""
        self._lost -= bool(rest)
        whole = rest + data
        position = 0
        try:
            while position < len(whole):
                position += self._write(whole[position:] if position else whole)
        except OSError:
            if not position:
                self._rest = rest
            elif position > start_of_line(whole, position):
                self._rest = whole[position : whole.find(b"\n", position) + 1]
            self._lost += whole.count(b"\n", position)
            raise
        return len(data)

    def take_lost(self) -> int:
        """The lines that were lost since the last call, less those that were completed."""
        lost, self._lost = self._lost, 0
        return lost

    def _write(self, data: bytes) -> int:
        count = self._raw.write(data)
        if count is None:
            raise BlockingIOError("The file does not take more now.")
        return count


def _whole(file: Any) -> WholeLines | None:
    """What a log file writes to, made whole; None where that is not a raw file."""
    raw = getattr(file, "_file", None)
    if isinstance(raw, WholeLines):
        return raw
    if not isinstance(raw, RawIOBase):
        return None
    file._file = whole = WholeLines(raw)  # noqa: SLF001 - there is no other way to what it writes to
    return whole
