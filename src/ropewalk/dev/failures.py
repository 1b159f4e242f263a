"""What an error page shows of an exception: its causes and group members, their frames, source lines and variables."""

import linecache
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import unwrap
from itertools import islice
from types import CodeType, FrameType, TracebackType
from typing import Any, Final

from ropewalk.dev.short_reprs import ReprBudget, short_text, shown_value
from ropewalk.errors import HTTPError, RopewalkError, full_name
from ropewalk.tracebacks import PACKAGE
from ropewalk.waiting_places import is_users

MOST_EXCEPTIONS: Final = 20
MOST_FRAMES: Final = 60
MOST_NOTES: Final = 40
MOST_VARIABLES: Final = 40
AROUND: Final = 5
"""Lines of source before and after the line of a frame."""

_CAUSE: Final = "This exception was the direct cause of the one above."
_CONTEXT: Final = "This exception was being handled when the one above was raised."
_MEMBER: Final = "This exception is a member of the group above."


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFrame:
    """One frame of a traceback."""

    file: str
    line: int
    function: str
    is_users: bool
    """Whether the frame is of the user's code, and not of a library."""
    source: tuple[tuple[int, str], ...]
    """Lines of the source with their numbers."""
    marked: tuple[int, int] | None = None
    """The columns of the expression that raised, in the line of the frame."""
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownException:
    """One exception."""

    kind: str
    message: str
    notes: tuple[str, ...] = ()
    relation: str = ""
    """How this exception is related to the one before it; empty for the first exception."""
    frames: tuple[ShownFrame, ...] = ()
    left_out: int = 0
    """How many frames in the middle are left out."""


def shown_exceptions(
    error: BaseException, handler: Any = None, budget: ReprBudget | None = None
) -> list[ShownException]:
    """The exception, followed by its causes, contexts and group members.

    `handler` is the function that handled the request. It is shown for an error of Ropewalk that has no frame of the
    user's code, such as one for a returned value. `budget` bounds the work for the variables of all frames. The
    variables of the innermost frames are represented first.
    """
    return list(islice(_walk(error, handler, budget or ReprBudget()), MOST_EXCEPTIONS))


def _walk(error: BaseException, handler: Any, budget: ReprBudget) -> Iterator[ShownException]:
    waiting = [(error, "")]
    seen: set[int] = set()
    while waiting:
        each, how = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield _shown(each, how, handler if each is error else None, budget)
        if each.__cause__ is not None:
            waiting.append((each.__cause__, _CAUSE))
        elif each.__context__ is not None and not each.__suppress_context__:
            waiting.append((each.__context__, _CONTEXT))
        if isinstance(each, BaseExceptionGroup):
            waiting += [(inner, _MEMBER) for inner in reversed(each.exceptions)]


def _shown(error: BaseException, relation: str, handler: Any, budget: ReprBudget) -> ShownException:
    entries = _entries(error.__traceback__)
    left_out = max(len(entries) - MOST_FRAMES, 0)
    if left_out:
        entries[MOST_FRAMES // 2 : -(MOST_FRAMES // 2)] = []
    undefined = _undefined_name(error)
    frames = [_frame(*each, undefined, budget) for each in reversed(entries)][::-1]
    if isinstance(error, RopewalkError | HTTPError):
        outside = [each for each in frames if not each.file.startswith(PACKAGE)]
        frames = outside or _explaining(error, handler, budget) or frames
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        frames.append(_syntax_frame(error, error.filename, error.lineno))
    notes = _notes(error)
    return ShownException(
        kind=full_name(type(error)).removeprefix("builtins."),
        message=error.msg if isinstance(error, SyntaxError) and error.msg else short_text(error),
        notes=tuple(short_text(note) for note in notes[:MOST_NOTES]),
        relation=relation,
        frames=tuple(frames),
        left_out=left_out,
    )


def _notes(error: BaseException) -> list[object]:
    try:
        notes = getattr(error, "__notes__", None)
    except Exception as raised:  # noqa: BLE001 - a property of a user's class may raise any exception
        return [f"The notes cannot be read: {full_name(type(raised))}"]
    return notes if isinstance(notes, list) else []


def _explaining(error: BaseException, handler: Any, budget: ReprBudget) -> list[ShownFrame]:
    """The frames to show for an error of Ropewalk whose own frames are all of Ropewalk: the innermost frame of the
    user's code in its cause, such as the line of a template, and then the beginning of the handler."""
    cause = error.__cause__
    frames = [] if cause is None else list(_shown(cause, "", None, budget).frames)
    found = [each for each in frames if each.is_users][-1:]
    code = getattr(unwrap(handler), "__code__", None) if callable(handler) else None
    if isinstance(code, CodeType) and is_users(code.co_filename):
        line = code.co_firstlineno
        source = _source(code.co_filename, line)
        found.append(
            ShownFrame(file=code.co_filename, line=line, function=code.co_qualname, is_users=True, source=source)
        )
    return found


def _undefined_name(error: BaseException) -> str | None:
    """The name that a template uses and that is not defined."""
    name = getattr(error, "name", None) if type(error).__module__ == "jinja2.exceptions" else None
    return name if isinstance(name, str) and name.isidentifier() else None


_Entry = tuple[FrameType, int, int]
"""A frame, its line, and the number of its instruction."""


def _entries(trace: TracebackType | None) -> list[_Entry]:
    """The entries of a traceback from the first one of the user's code on. All entries, if there is none."""
    entries = []
    while trace is not None:
        entries.append((trace.tb_frame, trace.tb_lineno, trace.tb_lasti))
        trace = trace.tb_next
    own = [number for number, (frame, _, _) in enumerate(entries) if is_users(frame.f_code.co_filename)]
    return entries[own[0] if own else 0 :]


def _is_template(frame: FrameType) -> bool:
    """Whether Jinja has made a frame for a line of a template. The columns of its code are not those of the line, so
    they cannot be marked."""
    return "__jinja_exception__" in frame.f_globals


def _template_frame(frame: FrameType, line: int, undefined: str | None, budget: ReprBudget) -> ShownFrame:
    file = frame.f_code.co_filename
    source = _source(file, line)
    text = dict(source).get(line, "")
    found = None if undefined is None else re.search(rf"\b{undefined}\b", text)
    # The functions of the template environment are among the variables. They are left out, because they explain
    # nothing.
    variables = {name: value for name, value in frame.f_locals.items() if not callable(value)}
    return ShownFrame(
        file=file,
        line=line,
        function=frame.f_code.co_name,
        is_users=is_users(file),
        source=source,
        marked=None if found is None else found.span(),
        variables=_shown_variables(variables, budget),
    )


def _frame(frame: FrameType, line: int, instruction: int, undefined: str | None, budget: ReprBudget) -> ShownFrame:
    if _is_template(frame):
        return _template_frame(frame, line, undefined, budget)
    code = frame.f_code
    users = is_users(code.co_filename)
    return ShownFrame(
        file=code.co_filename,
        line=line,
        function=code.co_qualname,
        is_users=users,
        source=_source(code.co_filename, line, frame),
        marked=_columns(code, instruction, line, frame),
        variables=_variables(frame, budget) if users else (),
    )


def _syntax_frame(error: SyntaxError, file: str, line: int) -> ShownFrame:
    start = (error.offset or 1) - 1
    end = error.end_offset - 1 if error.end_offset and error.end_lineno == line else start + 1
    return ShownFrame(
        file=file,
        line=line,
        function="(syntax error)",
        is_users=True,
        source=_source(file, line),
        marked=(max(start, 0), max(end, start + 1)),
    )


def _source(file: str, line: int, frame: FrameType | None = None) -> tuple[tuple[int, str], ...]:
    linecache.checkcache(file)
    lines = linecache.getlines(file, None if frame is None else frame.f_globals)
    first = max(line - AROUND, 1)
    return tuple(
        (number, lines[number - 1].rstrip("\n")) for number in range(first, min(line + AROUND, len(lines)) + 1)
    )


def _columns(code: CodeType, instruction: int, line: int, frame: FrameType) -> tuple[int, int] | None:
    """The columns of an expression that does not fill its line."""
    if instruction < 0:
        return None
    start_line, end_line, start, end = next(islice(code.co_positions(), instruction // 2, None), (None,) * 4)
    if start_line != line or start is None or end is None:
        return None
    text = linecache.getline(code.co_filename, line, frame.f_globals).rstrip("\n")
    encoded = text.encode()
    first = len(encoded[:start].decode(errors="replace"))
    last = len(encoded[:end].decode(errors="replace")) if end_line == line else len(text)
    return None if text[first:last].strip() == text.strip() else (first, last)


def _variables(frame: FrameType, budget: ReprBudget) -> tuple[tuple[str, str], ...]:
    if frame.f_code.co_name == "<module>":  # a module's variables are its imports and functions, which explain nothing
        return ()
    return _shown_variables(frame.f_locals, budget)


def _shown_variables(variables: Mapping[str, object], budget: ReprBudget) -> tuple[tuple[str, str], ...]:
    names = [name for name in variables if not name.startswith("__")]
    return tuple((name, shown_value(name, variables[name], budget)) for name in names[:MOST_VARIABLES])
