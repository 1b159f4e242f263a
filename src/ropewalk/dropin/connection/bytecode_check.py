"""A check of an override's bytecode: it must not pass the channel, its request or its transport to other code.

An override may call the method that it overrides, read and set attributes that have an effect on the engine's channel,
and call methods of its class for which the same is true. Any other code, such as a decorator or a helper function,
might use the transport or the parser where the check cannot see it. Known forms of bytecode are accepted, all others
are rejected.
"""

import builtins
import dis
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any, Final, NamedTuple

from twisted.logger import Logger

FRAMES: Final = frozenset(("locals", "vars", "eval", "exec", "_getframe", "currentframe"))
"""Names by which code reads local variables without loading them."""

OF_THE_TRANSPORT: Final = frozenset(("getPeer", "getHost", "setTcpNoDelay", "setTcpKeepAlive"))
"""Methods of the engine's transport that do what those of Twisted's do."""

OF_THE_REQUEST: Final = frozenset(
    (
        *("requestHeaders", "responseHeaders", "getHeader", "getAllHeaders", "setHeader", "setResponseCode"),
        *("uri", "path", "method", "clientproto", "args", "content", "code", "code_message", "sentLength"),
        *("getCookie", "addCookie", "received_cookies", "cookies", "client", "host", "site", "prepath", "postpath"),
        *("getClientAddress", "getClientIP", "getHost", "getRequestHostname", "getUser", "getPassword", "isSecure"),
        *("setHost", "setLastModified", "startedWriting", "finished", "hasHeader"),
    )
)
"""What an override may call on a request: nothing that sends, processes, or returns the transport."""
_REFUSED: Final = frozenset(
    ("channel", "requestReceived", "handleContentChunk", "process", "render", "finish", "redirect")
)

_SECOND: Final = {"checkPersistence": "request", "requestDone": "request", "makeConnection": "transport"}
"""The kind of the second parameter of a method, where it refers to the connection."""
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
    """Code must not be called on the engine's channel, for the reason in the message."""


class _Instruction(NamedTuple):
    does: str
    name: Any = None
    calls: bool = False
    """Whether the loaded object is called with the objects that are loaded next."""
    target: bool = False
    """Whether a jump leads here, with another stack."""


_END: Final = _Instruction("end")


@dataclass
class AccessRules:
    """What the methods of a class may use, in addition to what the class defines."""

    methods: Collection[str]
    """Twisted's methods that may be called."""
    attributes: Collection[str]
    """Twisted's attributes that may be used, and set."""
    twisted: Collection[str]
    """All names of Twisted's channel."""
    defined: Mapping[str, list[Any]]
    """What the program's classes define, by name."""
    classes: Collection[type]
    """The program's classes."""
    originals: Mapping[str, Any]
    """The methods of the engine's channel, by name."""
    sets_methods: bool = False
    """Whether methods that may be called may be replaced on the channel."""
    passes_channel: bool = False
    """Whether the channel may be an argument of any call, and be used by inner functions. Lists of connections and
    delayed calls get it in these ways.
    """
    seen: set[tuple[str, FunctionType]] = field(default_factory=set)

    def check(self, name: str, value: Any) -> None:
        """Raise Rejected if a method, which is called by this name, passes the channel to other code."""
        if not isinstance(value, FunctionType):
            raise Rejected("cannot be inspected")
        if (name, value) not in self.seen:
            self.seen.add((name, value))
            _FunctionCheck(self, name, value).check()

    def check_defined(self, name: str) -> None:
        """Check all that has this name in the program's classes: `super` may refer to each."""
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
        while known != len(self._kinds):  # a loop may use what is assigned further down
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
        if self._at(at)[:2] == ("COPY", 1):  # self.count += 1
            return self._at(at + 1).does == "get"
        return self._at(at).does in _ATTRIBUTE

    def _is_argument(self, kind: str, at: int) -> bool:
        """Whether what was loaded is an argument of a call, according to the instructions that follow."""
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
        """Check the use of a request or a transport that was loaded. Returns the index of the next instruction."""
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
        # CPython marks one of them as called: the module that has the class, or the method.
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
        """Whether what was loaded becomes the first of `(self, *arguments, **options)`."""
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
        except (KeyError, ValueError):  # a variable of its own, or one that is not set yet
            return None


def _instructions_of(code: CodeType) -> Iterator[_Instruction]:
    """Return the instructions of some code, without the differences between versions of CPython."""
    target = False
    for step in dis.get_instructions(code):
        name = step.opname
        target = target or step.is_jump_target
        if name in _IGNORED:  # a jump to one leads to the next that counts
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
    """Whether an instruction loads something to be called: `NULL` in what `dis` shows."""
    return "NULL" in step.argrepr.replace(str(step.argval), "")
