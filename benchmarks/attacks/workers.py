"""Processes that work until they are stopped, and then send their results."""

import multiprocessing
import os
import shutil
import subprocess
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

from benchmarks.attacks.crowd import NICENESS, Tally
from benchmarks.attacks.roster import Tool
from benchmarks.attacks.target import HOST

LAST_WORDS_SECONDS: Final = 60


class Worker:
    """Runs `work(pipe, *arguments)` in a separate process. It ends when the pipe is readable, and sends its result."""

    def __init__(self, work: Callable[..., None], *arguments: object) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, *arguments), daemon=True)

    def __enter__(self) -> Self:
        self.process.start()
        return self

    def stop(self) -> Any:
        """Return the result. Raises EOFError if the process has ended before, and TimeoutError if it does not end."""
        self.pipe.send(None)
        if not self.pipe.poll(LAST_WORDS_SECONDS):
            raise TimeoutError("a worker does not end")
        return self.pipe.recv()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.process.kill()
        self.process.join()
        self.pipe.close()


class SlowHttpTest:
    """The program of that name, in one of its modes. Its own output is not needed."""

    PROGRAM: Final = "slowhttptest"

    def __init__(self, tool: Tool, port: int, connections: int, rate: float, seconds: float, core: int | None) -> None:
        self.command = [self.PROGRAM, tool.mode, "-u", f"http://{HOST}:{port}{tool.path}", "-c", str(connections)]
        self.command += ["-r", str(int(rate)), "-l", str(int(seconds)), "-v", "0", *tool.arguments]
        self.core = core

    @classmethod
    def is_installed(cls) -> bool:
        return shutil.which(cls.PROGRAM) is not None

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, preexec_fn=self._restrict)
        return self

    def _restrict(self) -> None:
        os.nice(NICENESS)
        if self.core is not None:
            os.sched_setaffinity(0, {self.core})

    def stop(self) -> Tally:
        self.process.kill()
        return Tally()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
