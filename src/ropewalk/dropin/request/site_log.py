"""Writes to the log files of sites and other twisted.web factories. A failing file does not make a request fail.

A file of `twisted.python.logfile` writes to a raw file and ignores short writes. So a full disk cuts off a line, and
the next line is appended to it. `WholeLines` completes such a line. Any other file, such as the one that
`http.HTTPFactory` opens, may buffer text that it cannot write. All files are written in the reactor's thread, as in
Twisted, because the program may rotate, close or read them at any time.
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
    """Return the object that writes to the logs of a factory."""
    logs: SiteLogs | None = vars(factory).get("_ropewalk_logs")
    if logs is None:
        logs = factory._ropewalk_logs = SiteLogs()  # noqa: SLF001 - our own attribute
    return logs


class SiteLogs:
    """Writes to log files, and counts lost lines."""

    def __init__(self) -> None:
        self.lost: dict[int, tuple[Any, int]] = {}
        """Each failing file and the number of its lost lines, by `id`, because files of a program may be unhashable."""

    def write(self, file: Any, text: str) -> None:
        """Write whole lines. A failure, such as a full disk or a closed file, is logged."""
        raw = None
        try:
            raw = _rotate(file)
            file.write(text)
        except Exception:  # noqa: BLE001 - a file of the program may raise any exception
            self._lose(file, text.count("\n") if raw is None else raw.take_lost())
        else:
            if self.lost and id(file) in self.lost:
                self._report(id(file), 0 if raw is None else raw.take_lost())

    def write_by(self, write: Callable[[Any], object], request: Any) -> None:
        """Let a function of the program write a line. An OSError is logged; other exceptions propagate."""
        writer = getattr(write, "__self__", write)
        try:
            write(request)
        except OSError:
            self._lose(writer, 1)
        else:
            if self.lost and id(writer) in self.lost:
                self._report(id(writer))

    def close(self) -> None:
        """Report all lost lines that were not reported yet."""
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
            log.warn("{file} may have a gap: {lines} not written at once, and may be lost.", file=file, lines=lines)


class WholeLines(ObjectProxy):
    """Replaces the raw file in a log file. It completes a line that was cut off before it writes the next line."""

    original_name = "_raw"
    own_names = frozenset(("_raw", "_rest", "_lost"))

    def __init__(self, raw: RawIOBase) -> None:
        self._raw = raw
        self._rest = b""
        """The rest of a line that was cut off. Until it is written, the line counts as lost."""
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
        """Write everything, or raise OSError and keep only the rest of a line that was cut off."""
        rest, self._rest = self._rest, b""
        self._lost -= bool(rest)
        pending = rest + data
        position = 0
        try:
            while position < len(pending):
                position += self._write(pending[position:] if position else pending)
        except OSError:
            if not position:
                self._rest = rest
            elif position > start_of_line(pending, position):
                self._rest = pending[position : pending.find(b"\n", position) + 1]
            self._lost += pending.count(b"\n", position)
            raise
        return len(data)

    def take_lost(self) -> int:
        """Return the number of lines that were lost since the last call. Completed lines are not counted."""
        lost, self._lost = self._lost, 0
        return lost

    def _write(self, data: bytes) -> int:
        count = self._raw.write(data)
        if count is None:
            raise BlockingIOError("The file accepts no more bytes at present.")
        return count


def _rotate(file: Any) -> WholeLines | None:
    """Rotate a log file of Twisted if that is due. Returns the raw file that it writes to; None for other files."""
    if not isinstance(file, BaseLogFile) or _wrap(file) is None:
        return None
    if file.shouldRotate():
        file.flush()
        file.rotate()  # type: ignore[attr-defined] # all of Twisted's subclasses have it
    return _wrap(file)


def _wrap(file: Any) -> WholeLines | None:
    """Return the wrapped raw file of a log file; None if it does not write to a raw file."""
    raw = getattr(file, "_file", None)
    if isinstance(raw, WholeLines):
        return raw
    if not isinstance(raw, RawIOBase):
        return None
    file._file = wrapped = WholeLines(raw)  # noqa: SLF001 - there is no public attribute
    return wrapped
