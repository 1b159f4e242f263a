"""Find out which code blocks the reactor's thread, from the frames of this thread."""

import asyncio
import os
import selectors
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from inspect import unwrap
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

from twisted import internet

from ropewalk.app import App
from ropewalk.calling import HandlerTask
from ropewalk.errors import code_place, named, relative
from ropewalk.request import Request
from ropewalk.routing import walk, walk_handlers
from ropewalk.waiting_places import is_users

_LOOPS: Final = (
    f"{Path(internet.__file__ or '').parent}{os.sep}",
    f"{Path(asyncio.__file__).parent}{os.sep}",
    selectors.__file__,
    f"{Path(__file__).parent}{os.sep}",
)
"""Files whose frames belong to the event loop, not to the code that it calls."""


@dataclass(frozen=True, slots=True)
class BlockingCode:
    """The code that runs in the reactor's thread."""

    who: str
    """The route and the handler, such as `GET /rooms, list_rooms at rooms.py:12,`; or else the function."""
    where: str
    """The innermost line of the user's code, such as `rooms.py:14 in sort_rooms`."""


def called_frames(innermost: FrameType | None, loop: Sequence[FrameType]) -> list[FrameType]:
    """The frames of the call that the event loop is making, outermost first; empty if the loop is idle.

    The first frame is the same object as long as the call lasts, so a caller can find out whether the same call still
    runs. `loop` has the frames of an earlier call, which has ended. The frames that both calls have in common belong to
    the event loop.
    """
    frames = []
    while innermost is not None and not any(innermost is each for each in loop):
        frames.append(innermost)
        innermost = innermost.f_back
    if innermost is None:
        return []
    while frames and frames[-1].f_code.co_filename.startswith(_LOOPS):
        frames.pop()
    return frames[::-1]


def blocking_code(frames: Sequence[FrameType], app: App | None) -> BlockingCode:
    """Name the code that runs in `frames`, which are given outermost first. There must be at least one frame."""
    users = [frame for frame in frames if is_users(frame.f_code.co_filename)]
    last = (users or frames)[-1]
    where = f"{relative(last.f_code.co_filename, last.f_lineno)} in {last.f_code.co_name}"
    return BlockingCode(_who(frames, users or frames, app), where)


def _who(frames: Sequence[FrameType], shown: Sequence[FrameType], app: App | None) -> str:
    request = next(_requests(frames), None)
    if request is not None and request.engine_handler is not None:
        return f"{request.method} {request.route or request.path}, {named(request.engine_handler.call)},"
    code = shown[0].f_code
    function = f"{code.co_qualname} at {code_place(code)}"
    route = None if app is None else _route(app, {frame.f_code for frame in frames})
    return function if route is None else f"{route}, {function},"


def _requests(frames: Sequence[FrameType]) -> Iterator[Request]:
    """The requests among the local variables of `frames`.

    `type` is used instead of `isinstance`, because an object may define `__class__` as a property that runs code.
    """
    for frame in frames:
        for value in frame.f_locals.values():
            if issubclass(type(value), Request):
                yield value
            elif issubclass(type(value), HandlerTask) and hasattr(value, "request"):
                yield value.request


def _route(app: App, codes: set[CodeType]) -> str | None:
    """The method and the path of the route whose handler's code object is one of `codes`."""
    for each, route in zip(walk_handlers(app.resource), walk(app.resource), strict=True):
        call: Any = unwrap(each.call)
        if getattr(call, "__code__", None) in codes:
            return f"{route.method} {route.path}"
    return None
