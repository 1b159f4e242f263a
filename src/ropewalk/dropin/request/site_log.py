"""Lines for the log files of sites and other factories of twisted.web's: a file that takes none ends no request.

Where the file is one of `twisted.python.logfile`'s, it writes to a raw file and ignores how much of it was written, so
that a full disk cuts a line and the next one is joined to it: that is made whole. Any other file, such as the one that
`http.HTTPFactory` opens, is Python's or the program's, and may keep what it could not write. Each stays on the
reactor's thread, as without us: it is the program's, which may rotate, close or read it at any time.
"""

from collections.abc import Callable, Iterator
from io import RawIOBase
from typing import Any

from twisted.logger import Logger
from twisted.python.logfile import BaseLogFile

from ropewalk.dropin.object_proxy import ObjectProxy
from ropewalk.server.log_targets import start_of_line

log = Logger(namespace="ropewalk.dropin")


def logs_of(factory: Any) -> "SiteLogs":
    """What writes to the log of a factory."""
    logs: SiteLogs | None = vars(factory).get("_ropewalk_logs")
    if logs is None:
        logs = factory._ropewalk_logs = SiteLogs()  # noqa: SLF001 - ours
    return logs


class SiteLogs:
    """Writes to log files, and counts what they do not take."""

    def __init__(self) -> None:
        self.lost: dict[int, tuple[Any, int]] = {}
        """What fails and the number of its lines that are lost, by its identity: a program's may not be hashable."""

    def write(self, file: Any, text: str) -> None:
        """Write whole lines. A full disk or a closed file is no reason to serve no request any more: it is logged."""
        raw = None
        try:
            raw = _rotated(file)
            file.write(text)
        except Exception:  # noqa: BLE001 - a program's own file may raise anything
            self._lose(file, text.count("\n") if raw is None else raw.take_lost())
        else:
            if self.lost and id(file) in self.lost:
                self._report(id(file), 0 if raw is None else raw.take_lost())

    def write_by(self, write: Callable[[Any], object], request: Any) -> None:
        """Have a function of the program write a line. What else than OSError it raises is a fault of the program."""
        writer = getattr(write, "__self__", write)
        try:
            write(request)
        except OSError:
            self._lose(writer, 1)
        else:
            if self.lost and id(writer) in self.lost:
                self._report(id(writer))

    def close(self) -> None:
        """Report what has not been reported."""
        for failing in tuple(self.lost):
            self._report(failing)

    def _lose(self, file: Any, count: int) -> None:
        if id(file) not in self.lost:
            fate = "are lost" if isinstance(file, BaseLogFile) else "may be lost"
            log.failure("Lines of {file} {fate}.", file=file, fate=fate)
        self.lost[id(file)] = file, self.lost.get(id(file), (file, 0))[1] + count

    def _report(self, failing: int, more: int = 0) -> None:
        file, count = self.lost.pop(failing)
        count += more
        if isinstance(file, BaseLogFile):
            lines = {0: "no line is", 1: "1 line is"}.get(count, f"{count} lines are")
            log.warn("{file} has a gap: {lines} lost.", file=file, lines=lines)
        else:
            lines = "1 line was" if count == 1 else f"{count} lines were"
            log.warn("{file} may have a gap: {lines} not written at once.", file=file, lines=lines)


class WholeLines(ObjectProxy):
    """In the place of the raw file in a log file: completes a line that was cut before it writes the next one."""

    stands_for = "_raw"
    own = frozenset(("_raw", "_rest", "_lost"))

    def __init__(self, raw: RawIOBase) -> None:
        self._raw = raw
        self._rest = b""
        """Of the line that was cut, which counts as lost until this is written."""
        self._lost = 0

    def __enter__(self) -> "WholeLines":
        self._raw.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._raw.close()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._raw)

    def __next__(self) -> bytes:
        return next(self._raw)

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


def _rotated(file: Any) -> WholeLines | None:
    """What a log file of Twisted's writes to next, made whole; None where a file is another one."""
    if not isinstance(file, BaseLogFile) or _whole(file) is None:
        return None
    if file.shouldRotate():
        file.flush()
        file.rotate()  # type: ignore[attr-defined] # every one that Twisted has
    return _whole(file)


def _whole(file: Any) -> WholeLines | None:
    """What a log file writes to, made whole; None where that is not a raw file."""
    raw = getattr(file, "_file", None)
    if isinstance(raw, WholeLines):
        return raw
    if not isinstance(raw, RawIOBase):
        return None
    file._file = whole = WholeLines(raw)  # noqa: SLF001 - there is no other way to what it writes to
    return whole
