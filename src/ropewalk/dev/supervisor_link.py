"""The connection of a worker of `ropewalk dev` to its supervisor."""

import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from threading import Thread, main_thread
from typing import Any, Final

from ropewalk.dev.messages import Message, MessageSocket
from ropewalk.errors import relative
from ropewalk.waiting_places import is_users

_EXIT_AFTER: Final = 10.0


class SupervisorLink:
    """Reads the orders of the supervisor: first in the main thread, then in a thread of its own.

    If the supervisor ends, the worker stops too.
    """

    def __init__(self, messages: MessageSocket) -> None:
        self._messages = messages
        self.on_drain: Callable[[], object] | None = None
        """Called, in the thread of the link, to stop the worker. None before the worker serves: the worker then exits
        at once."""
        self.on_refresh: Callable[[str], object] = lambda _: None
        """Called, in the thread of the link, with what has changed: "page" or "styles"."""

    def wait_for_go(self) -> Message:
        """Wait for the order to load the program. Raises SystemExit if the supervisor ends, or stops the worker."""
        self.send("waiting")
        for message in self._messages:
            match message["kind"]:
                case "go":
                    Thread(target=self._follow, name="ropewalk-dev-link", daemon=True).start()
                    return message
                case "preload":
                    preload(message["modules"])
                case "drain":
                    break
        sys.exit(0)

    def send(self, kind: str, **values: Any) -> None:
        """Send a message to the supervisor."""
        self._messages.send(kind, **values)

    def _follow(self) -> None:
        for message in self._messages:
            match message["kind"]:
                case "drain":
                    self._stop()
                case "refresh":
                    self.on_refresh(message["what"])
                case "where":
                    self.send("place", place=_place_of_main_thread())
        self._stop()
        _exit_late()

    def _stop(self) -> None:
        drain = self.on_drain
        if drain is None:
            os._exit(0)  # nothing can interrupt an import
        drain()


def preload(modules: list[str]) -> None:
    """Import modules of Ropewalk. Modules of other packages are not imported: their import may have effects."""
    for name in modules:
        if name.startswith("ropewalk."):
            try:
                import_module(name)
            except ImportError:  # an optional package was removed; the program's own import reports it
                continue


def modules_to_preload() -> list[str]:
    """The imported modules of Ropewalk, for the next worker."""
    return [name for name in sys.modules if name.startswith("ropewalk.")]


def _exit_late() -> None:
    """Kill this process later if it does not stop by itself, because there is no supervisor to kill it."""
    Thread(target=_kill_after, args=(_EXIT_AFTER,), name="ropewalk-dev-exit", daemon=True).start()


def _kill_after(seconds: float) -> None:
    main_thread().join(seconds)
    if main_thread().is_alive():
        os.kill(os.getpid(), signal.SIGKILL)


def _place_of_main_thread() -> str:
    """The line of the user's code that the main thread runs; otherwise the innermost line."""
    frame = sys._current_frames().get(main_thread().ident or 0)  # noqa: SLF001 - the documented way
    places = []
    while frame is not None:
        places.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    found = next((each for each in places if is_users(each[0])), places[0] if places else ("an unknown place", None))
    return relative(*found)
