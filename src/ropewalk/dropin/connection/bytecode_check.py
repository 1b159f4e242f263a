"""Checks the bytecode of an override: it must not pass the channel, its request or its transport to other code.

An override may call the method that it overrides, read and set attributes that have an effect on the engine's channel,
and call methods of its class that pass the same check. It must not call any other code with these objects, such as a
helper function, because the check does not see whether this code uses the transport or the parser. Only known forms of
bytecode are accepted.
"""

import builtins
import dis
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any, Final, NamedTuple

from twisted.logger import Logger

FRAMES: Final = frozenset(("locals", "vars", "eval", "exec", "_getframe", "currentframe"))
"""Names of functions that read local variables without an instruction that loads them. The check cannot follow them, so
an override that uses one is rejected."""

OF_THE_TRANSPORT: Final = frozenset(("getPeer", "getHost", "setTcpNoDelay", "setTcpKeepAlive"))
"""The methods of the engine's transport that have the same effect as Twisted's."""

OF_THE_REQUEST: Final = frozenset(
    (
        *("requestHeaders", "responseHeaders", "getHeader", "getAllHeaders", "setHeader", "setResponseCode"),
        *("uri", "path", "method", "clientproto", "args", "content", "code", "code_message", "sentLength"),
        *("getCookie", "addCookie", "received_cookies", "cookies", "client", "host", "site", "prepath", "postpath"),
        *("getClientAddress", "getClientIP", "getHost", "getRequestHostname", "getUser", "getPassword", "isSecure"),
        *("setHost", "setLastModified", "startedWriting", "finished", "hasHeader"),
    )
)
"""The methods of a request that an override may call. None of them sends or processes anything, or returns the
transport."""
_REFUSED: Final = frozenset(
    ("channel", "requestReceived", "handleContentChunk", "process", "render", "finish", "redirect")
)

_SECOND: Final = {"checkPersistence": "request", "requestDone": "request", "makeConnection": "transport"}
"""The methods whose second parameter is a request or a transport, and which of the two it is."""
_ATTRIBUTE: Final = ("get", "set", "del")
_NAMES: Final = {
    **dict.fromkeys(("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"), "get"),
    "STORE_ATTR": "set",
    "DELETE_ATTR": "del",
    "LOAD_GLOBAL": "global",
    "LOAD_DEREF": "free",
    **dict.fromkeys(("LOAD_CONST", "LOAD_SMALL_INT"), "constant"),
}
_IGNORED: Final = frozenset(("CACHE", "EXTENDED_ARG", "PRECALL", "PUSH_NULL", "NOP", "RESUME", "KW_NAMES"))
_VARARGS: Final = 0x04


class Rejected(Exception):
    """Raised if a method must not be called on the engine's channel. The message is the reason."""


class _Instruction(NamedTuple):
    does: str
    name: Any = None
    calls: bool = False
    """Whether the loaded object is called, with the objects that are loaded next as arguments."""
    target: bool = False
    """Whether a jump leads to this instruction. The stack is then unknown."""


_END: Final = _Instruction("end")


@dataclass
class AccessRules:
    """The names that methods of the program's classes may use, besides names that these classes define."""

    methods: Collection[str]
    """The methods of Twisted's channel that may be called."""
    attributes: Collection[str]
    """The attributes of Twisted's channel that may be read and set."""
    twisted: Collection[str]
    """All names of Twisted's channel."""
    defined: Mapping[str, list[Any]]
    """The names that the program's classes define, with their values."""
    classes: Collection[type]
    """The program's classes."""
    originals: Mapping[str, Any]
    """The methods of the engine's channel, by name."""
    sets_methods: bool = False
    """Whether the methods in `methods` may also be replaced on the channel."""
    passes_channel: bool = False
    """Whether the channel may be an argument of any call, and be used by inner functions. Programs use this to put
    channels into lists and delayed calls.
    """
    seen: set[tuple[str, FunctionType]] = field(default_factory=set)

    def check(self, name: str, value: Any) -> None:
        """Raise Rejected if `value`, the method with this name, passes the channel to other code."""
        if not isinstance(value, FunctionType):
            raise Rejected("cannot be inspected")
        if (name, value) not in self.seen:
            self.seen.add((name, value))
            _FunctionCheck(self, name, value).check()

    def check_defined(self, name: str) -> None:
        """Check every function with this name in the program's classes, because `super` may refer to any of them."""
        for value in self.defined.get(name, ()):
            if name in self.methods or isinstance(value, FunctionType):
                self.check(name, value)
            elif isinstance(value, property):
                for accessor in (value.fget, value.fset, value.fdel):
                    if accessor is not None:
                        self.check(name, accessor)
            elif not isinstance(value, staticmethod | classmethod | Logger) and hasattr(type(value), "__get__"):
                raise Rejected(f"uses {name}, which cannot be inspected")


class _FunctionCheck:
    """Checks the code of one function."""

    def __init__(self, rules: AccessRules, name: str, function: FunctionType) -> None:
        self._rules = rules
        self._function = function
        self._code: CodeType = function.__code__
        self._kinds: dict[str, str] = {}
        self._instructions = [*_instructions_of(self._code)]
        parameters, count = self._code.co_varnames, self._code.co_argcount
        if not count:
            raise Rejected("may pass the channel to other code")
        self._kinds[parameters[0]] = "channel"
        if count > 1:
            self._kinds[parameters[1]] = _SECOND.get(name, "")
        elif self._code.co_flags & _VARARGS:
            self._kinds[parameters[1 + self._code.co_kwonlyargcount]] = "arguments" if name in _SECOND else ""

    def check(self) -> None:
        if not FRAMES.isdisjoint(self._code.co_names):
            raise Rejected("may pass the channel to other code")
        known = -1
        while known != len(self._kinds):  # repeated, because a loop may use a variable that a later instruction assigns
            known = len(self._kinds)
            self._pass()
        if not self._rules.passes_channel and any(self._kinds.get(name) for name in self._code.co_cellvars):
            raise Rejected("may pass the channel to other code")

    def _pass(self) -> None:
        at, passes_on = 0, False
        while at < len(self._instructions):
            step = self._at(at)
            at += 1
            kind = self._kinds.get(step.name, "") if step.does in ("load", "free") else ""
            if step.does == "global" and step.name == "super":
                at = self._super(at)
                passes_on = self._at(at - 1).calls or self._at(at + 1).does == "CALL_FUNCTION_EX"
            elif step.does == "free" and not kind:
                if not (self._rules.passes_channel or self._is_base_call(at - 1)):
                    raise Rejected("may pass the channel to other code")
            elif kind == "channel":
                if self._is_attribute(at):
                    at, passes_on = self._attribute(at), False
                elif self._base_before(at - 1):
                    passes_on = True
                elif not (self._rules.passes_channel and self._is_argument("channel", at)):
                    raise Rejected("may pass the channel to other code")
            elif kind:
                if not (passes_on and self._is_argument(kind, at)):
                    at, passes_on = self._follow(kind, at), False
            elif step.does not in ("load", "constant") and step[:2] != ("BUILD_LIST", 1):
                passes_on = False

    def _at(self, index: int) -> _Instruction:
        return self._instructions[index] if 0 <= index < len(self._instructions) else _END

    def _is_attribute(self, at: int) -> bool:
        if self._at(at)[:2] == ("COPY", 1):  # as in `self.count += 1`, which reads and then sets the attribute
            return self._at(at + 1).does == "get"
        return self._at(at).does in _ATTRIBUTE

    def _is_argument(self, kind: str, at: int) -> bool:
        """Whether the following instructions make the loaded object an argument of a call."""
        following = self._at(at).does
        if kind == "arguments":
            return following in ("CALL_FUNCTION_EX", "LIST_EXTEND")
        return following in ("load", "constant", "global", "CALL")

    def _attribute(self, at: int) -> int:
        """Check an attribute of the channel. Returns the index of the next instruction."""
        if self._at(at).does == "COPY":
            at += 1
            self._allow(self._at(at).name, "set")
        does, name, *_ = self._at(at)
        at += 1
        if name == "transport" and does == "get":
            return self._follow("transport", at)
        if name == "requests" and does == "get":
            if self._at(at).does != "constant" or self._at(at + 1).does != "item":
                raise Rejected("may pass the request to other code")
            return self._follow("request", at + 2)
        self._allow(name, does)
        return at

    def _allow(self, name: str, does: str) -> None:
        rules = self._rules
        if does == "get":
            rules.check_defined(name)
        if name in rules.methods and (does == "get" or rules.sets_methods):
            return
        if name not in rules.attributes and (name in rules.twisted or name.startswith("__")):
            raise Rejected(f"{'uses' if does == 'get' else 'sets'} {name}")

    def _follow(self, kind: str, at: int) -> int:
        """Check the use of a loaded request or transport. Returns the index of the next instruction."""
        does, name, calls, _ = self._at(at)
        if does == "store" and kind != "arguments":
            self._kinds[name] = kind
        elif kind == "transport" and does == "get":
            if name not in OF_THE_TRANSPORT:
                raise Rejected("uses the transport")
        elif kind == "request" and does == "get" and name == "transport":
            return self._follow("transport", at + 1)
        elif kind == "request" and does in _ATTRIBUTE:
            if name in _REFUSED or name.startswith("__") or (calls and name not in OF_THE_REQUEST):
                raise Rejected(f"uses {name}")
        elif does != "POP_TOP":
            raise Rejected("uses the transport" if kind == "transport" else "may pass the request to other code")
        return at + 1

    def _super(self, at: int) -> int:
        """Check `super().name` and `super(Class, self).name`. Returns the index of the next instruction."""
        if "super" in self._function.__globals__:
            raise Rejected("may pass the channel to other code")
        if self._at(at)[:2] != ("CALL", 0):
            start, of = self._at(at), self._at(at + 1)
            named = start.does in ("global", "free") and (
                start.name == "__class__" or self._value(start) in self._rules.classes
            )
            if not named or self._kinds.get(of.name) != "channel":
                raise Rejected("may pass the channel to other code")
            at += 1
            if self._at(at + 1).does == "CALL":
                at += 1
        does, name, _, target = self._at(at + 1)
        if does != "get" or target:
            raise Rejected("may pass the channel to other code")
        self._allow(name, does)
        return at + 2

    def _is_base_call(self, at: int) -> bool:
        """Whether `Base.method(self` begins here."""
        end = at + 1
        while self._at(end).does == "get":
            end += 1
        return self._at(at).name == "__class__" or (
            self._kinds.get(self._at(end).name) == "channel"
            and not self._is_attribute(end + 1)
            and self._base_before(end)
        )

    def _base_before(self, at: int) -> bool:
        """Whether the channel that is loaded here is the first argument of a method of one of its own classes."""
        start = at - 1
        while self._at(start).does == "get":
            start -= 1
        if any(step.target for step in self._instructions[start + 1 : at + 1]):
            return False
        # For `module.Class.method(self)`, CPython marks either `module` or `method` as the object that is called.
        called = (self._at(at - 1).calls or self._at(start).calls) and self._is_argument("channel", at + 1)
        if self._at(start).does not in ("global", "free") or not (called or self._spreads(at + 1)):
            return False
        value = self._value(self._at(start))
        for step in self._instructions[start + 1 : at]:
            value = getattr(value, step.name, None)
        name = getattr(value, "__name__", "")
        if value in [each for each in self._rules.defined.get(name, ()) if isinstance(each, FunctionType)]:
            self._rules.check(name, value)
            return True
        return value is not None and value is self._rules.originals.get(name) and name in self._rules.methods

    def _spreads(self, at: int) -> bool:
        """Whether the loaded object becomes the first argument of a call `(self, *arguments, **options)`."""
        following = [step.does for step in self._instructions[at : at + 8]]
        if following[:1] != ["BUILD_LIST"] or self._at(at).name != 1 or following[1:3] != ["load", "LIST_EXTEND"]:
            return False
        rest = following[3:]
        if rest[:1] not in (["LIST_TO_TUPLE"], ["CALL_INTRINSIC_1"]):
            return False
        return rest[1:2] == ["CALL_FUNCTION_EX"] or rest[1:5] == ["BUILD_MAP", "load", "DICT_MERGE", "CALL_FUNCTION_EX"]

    def _value(self, step: _Instruction) -> Any:
        if step.does == "global":
            return self._function.__globals__.get(step.name, getattr(builtins, step.name, None))
        cells = dict(zip(self._code.co_freevars, self._function.__closure__ or (), strict=True))
        try:
            return cells[step.name].cell_contents
        except (KeyError, ValueError):  # a local variable, or a variable that is not set yet
            return None


def _instructions_of(code: CodeType) -> Iterator[_Instruction]:
    """Yield the instructions of a code object in a form that is the same for all versions of CPython."""
    target = False
    for step in dis.get_instructions(code):
        name = step.opname
        target = target or step.is_jump_target
        if name in _IGNORED:  # a jump to a skipped instruction leads to the next kept instruction
            continue
        if "_FAST" in name and not name.startswith("DELETE"):
            parts = ["load" if part == "LOAD" else "store" for part in name.split("_") if part in ("LOAD", "STORE")]
            names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
            for part, each in zip(parts, names, strict=True):
                yield _Instruction(part, each, target=target)
        elif name == "BINARY_SUBSCR" or (name == "BINARY_OP" and step.argrepr == "[]"):
            yield _Instruction("item", target=target)
        elif name in _NAMES:
            yield _Instruction(_NAMES[name], step.argval, name == "LOAD_METHOD" or _is_called(step), target)
        else:
            yield _Instruction(name, step.argval, target=target)
        target = False


def _is_called(step: dis.Instruction) -> bool:
    """Whether an instruction loads an object to be called. `dis` shows `NULL` for such an instruction."""
    return "NULL" in step.argrepr.replace(str(step.argval), "")
