"""The supervisor of `ropewalk dev`: it owns the listening sockets, and replaces the worker after a change.

It runs no code of the user and no reactor. A worker is in one of these states:

```text
spare  -- go -->  starting  -- ready -->  serving  -- drain -->  stopping  -->  ended
```

There is at most one worker in each of the first three states. A new worker accepts requests before the old one stops,
on the same sockets, so that no request is lost. A program that does not start is served as a page with its error, so
that the old code does not respond any more.
"""

import os
import selectors
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time
from types import FrameType
from typing import Any, Final

from ropewalk.dev.changes import Action, action_for, forget_bytecode
from ropewalk.dev.messages import Message
from ropewalk.dev.problem import Problem
from ropewalk.dev.watcher import Watcher
from ropewalk.dev.worker import Worker, changed_names, ending

GRACE: Final = 5.0
"""Seconds that a worker has to finish its requests before it is killed."""
SLOW: Final = 10.0
"""Seconds of a start after which the terminal shows where the program is."""
BACK_OFF: Final = (0.5, 10.0)
"""The first and the longest wait, in seconds, before a worker that has ended is replaced."""
STABLE: Final = 30.0
"""If a worker has served for so many seconds, its end counts as the first one: the wait before the next worker is the
shortest again."""
_MOST_DOUBLINGS: Final = 16

SOON: Final = 2.0
"""Seconds after a start within which the program itself may have changed a file."""
LOOP: Final = 4
"""How often the same file changes soon after a start before the terminal says so."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What a supervisor uses."""

    start: Callable[[], Worker]
    """Starts a worker process."""
    watcher: Callable[[Callable[[], object]], Watcher]
    """Makes the watcher, which calls the given function when files have changed."""
    print_line: Callable[[str], object]
    """Prints a line on the terminal."""
    folders: Sequence[Path]
    """The folders to watch."""
    order: Mapping[str, Any]
    """What every worker gets with the order to serve."""
    clock: Callable[[], float] = monotonic


class Supervisor:
    """Runs until a signal. `run` returns the exit code."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._print_line = environment.print_line
        self._clock = environment.clock
        self._selector = selectors.DefaultSelector()
        self._read_end, self._write_end = os.pipe()
        for end in (self._read_end, self._write_end):
            os.set_blocking(end, False)
        self._selector.register(self._read_end, selectors.EVENT_READ)
        self._watcher = environment.watcher(self._wake)
        self._spare: Worker | None = None
        self._starting: Worker | None = None
        self._serving: Worker | None = None
        self._stopping: list[Worker] = []
        self._changed: set[str] = set()
        """The files that have changed since the last worker became ready."""
        self._problem: Problem | None = None
        """The error that the next worker serves as a page; None if it loads the program."""
        self._start_at: float | None = None
        """When the next worker is started, after a worker has ended."""
        self._failures = 0
        """How many workers have ended by themselves since the last change, or since a worker was stable."""
        self._ready_at = 0.0
        """When the last worker became ready."""
        self._repeated: set[str] = set()
        """The files that have changed soon after each of the last starts."""
        self._repeats = 0
        self._has_served = False
        self._modules: list[str] = []
        self._stops = 0
        """How many signals to stop have arrived."""
        self._exit_code: int | None = None

    def run(self) -> int:
        """Serve until SIGINT, SIGTERM or SIGHUP. A second SIGINT or SIGTERM kills the workers."""
        previous = [(number, signal.signal(number, self._note)) for number in _SIGNALS]
        wakeup = signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        try:
            self._watcher.start(self._environment.folders)
            self._begin([])
            while self._exit_code is None or self._workers():
                self._turn()
            return self._exit_code
        finally:
            self._watcher.stop()
            for worker in self._workers():
                worker.kill()
                worker.close()
            signal.set_wakeup_fd(wakeup)
            for number, handler in previous:
                signal.signal(number, handler)
            self._selector.close()
            os.close(self._read_end)
            os.close(self._write_end)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP and self._stops:  # if a terminal is closed, SIGHUP arrives twice
            return
        if number != signal.SIGCHLD:
            self._stops += 1

    def _wake(self) -> None:
        try:
            os.write(self._write_end, b"\0")
        except OSError:  # the pipe is full, so that the supervisor wakes up anyway; or the supervisor has ended
            return

    def _turn(self) -> None:
        for key, _ in self._selector.select(self._timeout()):
            if key.fileobj == self._read_end:
                os.read(self._read_end, 4096)
            else:
                self._read(key.fileobj)
        self._handle_signals()
        self._handle_changes()
        self._handle_ends()
        self._handle_times()

    def _workers(self) -> list[Worker]:
        current = (self._spare, self._starting, self._serving)
        return [*(each for each in current if each is not None), *self._stopping]

    def _timeout(self) -> float | None:
        times = [worker.deadline for worker in self._workers() if worker.deadline is not None]
        if self._start_at is not None:
            times.append(self._start_at)
        starting = self._starting
        if starting is not None and starting.since is not None and not starting.asked_where:
            times.append(starting.since + SLOW)
        return max(min(times) - self._clock(), 0) if times else None

    # Events

    def _handle_signals(self) -> None:
        if self._stops and self._exit_code is None:
            self._end(0)
        if self._stops > 1:
            for worker in self._workers():
                worker.kill()

    def _handle_changes(self) -> None:
        while not self._watcher.missing.empty():
            self._print_line(self._watcher.missing.get())
        paths = self._watcher.take()
        if not paths or self._exit_code is not None:
            return
        forget_bytecode(paths)
        serving = self._serving
        cached = serving is None or serving.is_broken or self._starting is not None or serving.pages_are_cached
        action = action_for(paths, pages_are_cached=cached)
        if action is Action.RESTART or serving is None:
            self._failures = 0
            self._problem = None
            self._note_repeats(paths)
            self._begin(sorted(paths))
            return
        self._print_line(f"{changed_names(sorted(paths))} changed: the browser is refreshed.")
        serving.send("refresh", what="styles" if action is Action.STYLES else "page")

    def _note_repeats(self, paths: set[str]) -> None:
        """Tell the user if the program seems to write a watched file at each start, because it then starts again
        without end."""
        is_soon = self._starting is not None or self._clock() - self._ready_at < SOON
        same = self._repeated & paths if is_soon else set()
        self._repeats = self._repeats + 1 if same else 0
        self._repeated = same or set(paths)
        if self._repeats == LOOP:
            name = os.path.relpath(min(same))
            self._print_line(
                f"{name} has changed soon after each of the last {LOOP} starts. If the program writes it, "
                f"use --reload-exclude {name}"
            )

    def _handle_ends(self) -> None:
        for worker in self._workers():
            code = worker.exit_code()
            if code is not None:
                self._read(worker.messages)  # the last message may explain the end
                self._remove(worker, code)

    def _handle_times(self) -> None:
        now = self._clock()
        for worker in self._workers():
            if worker.deadline is not None and worker.deadline <= now:
                self._print_line(
                    f"Process {worker.process.pid} has not finished its requests in {GRACE:g} s, and is killed."
                )
                worker.kill()
                self._wake()
                worker.deadline = None
        starting = self._starting
        asks = starting is not None and starting.since is not None and not starting.asked_where
        if starting is not None and asks and (starting.since or 0) + SLOW <= now:
            starting.asked_where = True
            starting.send("where")
        if self._start_at is not None and self._start_at <= now:
            self._begin([])

    def _read(self, messages: Any) -> None:
        worker = next((each for each in self._workers() if each.messages is messages), None)
        if worker is None:
            return
        received = messages.receive(wait=False)
        if received is None:
            self._unregister(worker)
            # the program has closed the socket, or the worker is about to end
            if worker.exit_code() is None and worker.deadline is None:
                worker.deadline = self._clock() + GRACE
            return
        for message in received:
            self._handle(worker, message)

    def _handle(self, worker: Worker, message: Message) -> None:
        match message["kind"]:
            case "waiting":
                worker.is_waiting = True
                if worker is self._starting:
                    self._order(worker)
            case "ready" if worker is self._starting:
                self._serve_with(worker, message)
            case "failed" if worker is self._starting:
                self._show_failure_of(worker, message)
            case "place" if worker is self._starting:
                old = " The former worker still responds." if self._serving is not None else ""
                self._print_line(f"The program has not started within {SLOW:g} s. It is at {message['place']}.{old}")

    # Workers

    def _begin(self, changed: Sequence[str]) -> None:
        """Start to serve the program, or the page of the problem, in a new worker."""
        self._start_at = None
        starting = self._starting
        if starting is not None and starting.since is not None:  # it loads code from before the change
            self._retire(starting)
            self._starting = None
        self._changed.update(changed)
        if self._starting is None:
            self._starting, self._spare = self._spare or self._start(), None
        if self._starting.is_waiting:
            self._order(self._starting)

    def _order(self, worker: Worker) -> None:
        """Give a waiting worker the order to serve."""
        worker.since = self._clock()
        worker.is_broken = self._problem is not None
        worker.send(
            "go",
            **self._environment.order,
            first=not self._has_served,
            problem=None if self._problem is None else self._problem.as_json(),
            changed=changed_names(sorted(self._changed)),
        )

    def _start(self) -> Worker:
        worker = self._environment.start()
        self._selector.register(worker.messages, selectors.EVENT_READ)
        return worker

    def _serve_with(self, worker: Worker, message: Message) -> None:
        if self._serving is not None:
            self._retire(self._serving)
        self._serving, self._starting = worker, None
        self._has_served = True
        self._ready_at = self._clock()
        self._changed.clear()
        worker.is_broken = message["is_broken"]
        worker.pages_are_cached = message["pages_are_cached"]
        folders = _outermost([*self._environment.folders, *map(Path, message["folders"])])
        if message["folders"] and not set(folders) <= set(self._watcher.folders):
            loading = 0.0 if worker.since is None else self._clock() - worker.since
            self._watcher.start(folders, since=time() - loading)  # a file may have changed after the worker has read it
        self._modules = message["modules"] or self._modules
        if self._spare is None:
            self._spare = self._start()
        self._spare.send("preload", modules=self._modules)

    def _show_failure_of(self, worker: Worker, message: Message) -> None:
        self._retire(worker)
        self._starting = None
        if message["exit_code"] is not None and not self._has_served:
            self._end(message["exit_code"])
        elif self._exit_code is None:
            self._problem = Problem.from_json(message["problem"])
            self._begin([])

    def _retire(self, worker: Worker) -> None:
        """Tell a worker to stop, and kill it later if it does not. A worker that still imports Ropewalk is killed."""
        if worker.is_waiting:
            worker.send("drain")
        else:
            worker.kill()
            self._wake()
        worker.deadline = self._clock() + GRACE
        self._stopping.append(worker)

    def _remove(self, worker: Worker, code: int) -> None:
        """Forget a worker that has ended, and replace it if it was in use."""
        if worker not in self._workers():  # `_read` has changed its state
            return
        self._unregister(worker)
        worker.close()
        if worker in self._stopping:
            self._stopping.remove(worker)
        elif worker is self._spare:
            self._spare = None  # the next change starts a new one
        elif worker is self._starting:
            self._starting = None
            if worker.is_broken:
                self._replace_later(f"The worker {ending(code)} before it served.")
            else:
                text = f"The program {ending(code)} before it served."
                self._print_line(f"RW313 {text}")
                self._problem = Problem.of_text("The program ended", f"{text} It may have called os._exit, or crashed.")
                self._begin([])
        elif worker is self._serving:
            self._serving = None
            if self._clock() - self._ready_at >= STABLE:
                self._failures = 0
            if self._starting is None:
                self._replace_later(f"RW313 The worker {ending(code)}.")

    def _replace_later(self, what: str) -> None:
        if self._exit_code is not None:
            return
        first, longest = BACK_OFF
        seconds = min(first * 2 ** min(self._failures, _MOST_DOUBLINGS), longest)
        self._failures += 1
        self._print_line(f"{what} Another one starts in {seconds:g} s. Requests wait meanwhile.")
        self._start_at = self._clock() + seconds

    def _end(self, code: int) -> None:
        """Stop the workers. `run` returns when they have ended."""
        self._exit_code = code
        self._start_at = None
        self._watcher.stop()
        workers = [each for each in self._workers() if each not in self._stopping]
        self._spare = self._starting = self._serving = None
        for worker in workers:
            self._retire(worker)

    def _unregister(self, worker: Worker) -> None:
        if worker.messages.fileno() in self._selector.get_map():
            self._selector.unregister(worker.messages)


def _outermost(folders: Iterable[Path]) -> list[Path]:
    """The folders without those that are below another one."""
    given = list(dict.fromkeys(folders))
    return [each for each in given if not any(other in each.parents for other in given)]
