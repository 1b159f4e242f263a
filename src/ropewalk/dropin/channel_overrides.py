"""What a program has put in the place of a channel's methods, and by which code its connections are served for that.

An override may be in a subclass, in twisted.web's or our class, or on one channel, set before its connection is made.

| what is overridden | the connection |
|---|---|
| nothing, or what is called in any case | is the engine's |
| what is in `CALLED_ON_HOOKED` | is the engine's, and the channel makes every call that twisted.web's makes |
| anything else, or by code that works on the transport or the parser | stays on Twisted's own channel and transport |
"""

import dis
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from operator import attrgetter, itemgetter
from types import CodeType, FunctionType, MethodType
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from twisted.logger import Logger
from twisted.web import http

from ropewalk.errors import full_name
from ropewalk.twisted_private import GenericHTTPChannelProtocol

log = Logger(namespace="ropewalk.dropin")

_STOCK: Final[Any] = http.HTTPChannel

CALLED_ALWAYS: Final = frozenset(
    (
        *("connectionMade", "connectionLost", "makeConnection", "_protocolUpgradeForWebsockets"),
        *("requestDone", "isSecure"),
    )
)
"""Methods that are called on every channel, as twisted.web calls them."""

CALLED_ON_HOOKED: Final = frozenset(
    (
        *("allHeadersReceived", "allContentReceived", "checkPersistence"),
        *("writeHeaders", "write", "writeSequence", "registerProducer", "unregisterProducer", "getPeer", "getHost"),
    )
)
"""Methods that are called only where one of them is overridden."""

READ: Final = {"maxHeaders": 500, "totalHeadersSize": 16384}
"""Attributes that hold on every channel, and what twisted.web has for them."""

STATE: Final = frozenset(
    (
        *("callLater", "connected", "factory", "paused", "requestFactory", "requests", "site", "timeOut", "transport"),
        *("_log", "_networkProducer", "clearLineBuffer", "sendLine"),
    )
)
"""What factories and programs set on any channel, or only programs call; to override it changes nothing else."""

DEFAULTS: Final = {
    "MAX_LENGTH": 16384,
    "abortTimeout": 15,
    "delimiter": b"\r\n",
    "line_mode": 1,
    "_optimisticEagerReadSize": 0x4000,
}
"""Attributes that only Twisted's own channel looks at, and what twisted.web has for them."""
_HOOKS: Final = CALLED_ON_HOOKED | {"requestDone", "isSecure"}

NAMES: Final = tuple(
    sorted(
        name for name in dir(_STOCK) if not (name.startswith(("__", "_HTTPChannel__")) or name in STATE or name in READ)
    )
)
"""What may be overridden."""

METHODS: Final = frozenset(name for name in NAMES if callable(getattr(_STOCK, name))) | DEFAULTS.keys()
"""What may be overridden on one channel: the rest is the state of any."""

TWISTED_ONLY: Final = METHODS - CALLED_ALWAYS - CALLED_ON_HOOKED
"""What only Twisted's own channel calls, or looks at."""

_PARSER: Final = frozenset(("_transferDecoder", "_dataBuffer", "_receivedHeaderCount", "_receivedHeaderSize"))
_OF_THE_REQUEST: Final = frozenset(("requestReceived", "handleContentChunk", "process", "render", "finish", "redirect"))
_EARLY: Final = frozenset(("allHeadersReceived", "allContentReceived", "checkPersistence"))
"""Before the request is given to the program, who may send nothing there that has to pass by the engine."""
_SENDING: Final = frozenset(("write", "writeSequence", "writeHeaders", "requestDone"))
_OF_THE_TRANSPORT: Final = frozenset(("getPeer", "getHost"))
"""What a hook may ask the engine's transport as it would ask Twisted's."""

_look: Final = attrgetter(*NAMES)
_FUNCTIONS: Final = tuple(name for name in NAMES if isinstance(getattr(_STOCK, name), FunctionType))
_functions_of: Final = attrgetter(*(f"{name}.__func__" for name in _FUNCTIONS))
_functions_among: Final = itemgetter(*map(NAMES.index, _FUNCTIONS))
_DATA: Final = tuple(name for name in NAMES if name in DEFAULTS)
_data_of: Final = attrgetter(*_DATA)
_data_among: Final = itemgetter(*map(NAMES.index, _DATA))
_WRAPPER_READS: Final = GenericHTTPChannelProtocol.dataReceived


KEPT: Final = "RW740 Connections of {channel} stay on Twisted's own channel: {reason}."
FOREIGN: Final = "RW743 Connections of {protocol} stay Twisted's: it is no ropewalk.dropin.HTTPChannel."

listeners: Final[list[Callable[[str], object]]] = []
"""Called with either of these, once for each class, when a connection stays Twisted's."""


class Decision(NamedTuple):
    """How a connection is served."""

    reason: str = ""
    """Why it stays on Twisted's own channel; empty where it does not."""
    hooked: bool = False
    """Whether the channel makes every call."""


class _Known(NamedTuple):
    ours: tuple[Any, ...]
    twisted: tuple[Any, ...]
    decision: Decision


class Overrides:
    """Decides for a kind of channel, whose methods are as it has them when this is made."""

    def __init__(self, ours: type[http.HTTPChannel]) -> None:
        self._base = ours
        self._ours = dict(zip(NAMES, _look(ours), strict=True))
        self._twisted = {name: _written_by_twisted(name) for name in NAMES}
        self._known: WeakKeyDictionary[type, _Known] = WeakKeyDictionary()
        self._told: set[tuple[str, str]] = set()

    def decide(self, channel: Any) -> Decision:
        """How a channel is served, by what is overridden on it now. Why it stays Twisted's is logged once a class."""
        kind = type(channel)
        known = self._known.get(kind)
        ours, twisted = _look(kind), _look(_STOCK)
        if known is None or known.ours != ours or known.twisted != twisted:
            known = _Known(ours, twisted, self._decide(kind, dict(zip(NAMES, ours, strict=True)), twisted))
            self._known[kind] = known
        decision = known.decision
        set_here = _set_on(channel, known.ours)
        if set_here:
            decision = _either(decision, _judge(set_here, (vars(each) for each in self._programs(kind))))
        if decision.reason:
            self._tell(kind, decision.reason)
        return decision

    def of_class(self, kind: type) -> str:
        """Why all channels of a class stay Twisted's, or the empty string. One of them may have a reason of its own."""
        return self._decide(kind, dict(zip(NAMES, _look(kind), strict=True)), _look(_STOCK)).reason

    def on(self, channel: Any) -> set[str]:
        """The names of what is overridden on a channel, in its class or on itself."""
        found = dict(zip(NAMES, _look(type(channel)), strict=True))
        overridden: set[str] = {name for name, value in found.items() if value is not self._ours[name]}
        return overridden.union(METHODS & vars(channel).keys())

    def _decide(self, kind: type, found: dict[str, Any], twisted: Iterable[Any]) -> Decision:
        replaced = [name for name, now in zip(NAMES, twisted, strict=True) if now is not self._twisted[name]]
        if replaced:
            return Decision(f"{_listed(replaced)} of Twisted's own channel is replaced")
        overridden = {name: value for name, value in found.items() if value is not self._ours[name]}
        return _judge(overridden, [vars(each) for each in self._programs(kind)])

    def _programs(self, kind: type) -> Iterator[type]:
        return (each for each in kind.__mro__ if each not in self._base.__mro__)

    def _tell(self, kind: type, reason: str) -> None:
        named = full_name(kind)
        if (named, reason) not in self._told:
            self._told.add((named, reason))
            log.warn(KEPT, channel=named, reason=reason)
            _tell_listeners(KEPT.format(channel=named, reason=reason))


_foreign: Final[set[str]] = set()


def report_foreign(protocol: Any) -> None:
    """Log, once a class, that a factory on the engine builds what the engine cannot serve."""
    if hands_on_bytes(protocol):
        protocol = protocol._channel  # noqa: SLF001 - it has no other name
    named = full_name(type(protocol))
    if named not in _foreign:
        _foreign.add(named)
        log.warn(FOREIGN, protocol=named)
        _tell_listeners(FOREIGN.format(protocol=named))


def _tell_listeners(reason: str) -> None:
    for listener in tuple(listeners):
        listener(reason)


def hands_on_bytes(protocol: Any) -> bool:
    """Whether what stands around a channel, to look for HTTP/2, gives it all bytes as Twisted has written it."""
    return (
        isinstance(protocol, GenericHTTPChannelProtocol)
        and getattr(protocol.dataReceived, "__func__", None) is _WRAPPER_READS
    )


def _set_on(channel: Any, of_class: tuple[Any, ...]) -> dict[str, Any]:
    """What is overridden on one channel.

    Its `__dict__` is the last place to look: CPython's instances are slower once they have one.
    """
    try:
        if _functions_of(channel) == _functions_among(of_class) and _data_of(channel) == _data_among(of_class):
            return {}
    except AttributeError:  # something else than a method
        pass
    return {name: value for name, value in vars(channel).items() if name in METHODS}


def _judge(overridden: dict[str, Any], namespaces: Iterable[Any]) -> Decision:
    strange = [name for name in overridden if name not in CALLED_ALWAYS and name not in CALLED_ON_HOOKED]
    if strange:
        return Decision(f"{_listed(strange)} is overridden")
    helpers: dict[str, Any] = {}
    for namespace in namespaces:
        for name, value in namespace.items():
            helpers.setdefault(name, value)
    for name in sorted(overridden):
        value = overridden[name]
        if name in _HOOKS:
            why = _why_not_here(name, value, helpers)
        else:
            why = ", ".join(sorted(stored for stored in _stored(value) if stored in TWISTED_ONLY))
            why = why and f"sets {why}"
        if why:
            return Decision(f"the {name} that overrides its own {why}")
    return Decision(hooked=not CALLED_ON_HOOKED.isdisjoint(overridden))


def _either(one: Decision, other: Decision) -> Decision:
    return Decision(one.reason or other.reason, one.hooked or other.hooked)


def _why_not_here(hook: str, value: Any, helpers: dict[str, Any]) -> str:
    """Why an override cannot be called on the engine's transport as on Twisted's; empty where it can."""
    code = _code_of(value)
    if code is None:
        return "cannot be looked into"
    codes, names = {code}, set(_names_of(code))
    waiting = [*names]
    while waiting:
        helper = _code_of(helpers.get(waiting.pop()))
        if helper is not None and helper not in codes:
            codes.add(helper)
            waiting += _names_of(helper) - names
            names |= _names_of(helper)
    if any(_works_on_transport(each) for each in codes):
        return "works on the transport"
    forbidden = TWISTED_ONLY | _PARSER | _OF_THE_REQUEST | (_SENDING if hook in _EARLY else frozenset())
    used = sorted(names & forbidden)
    return f"uses {_listed(used)}" if used else ""


def _code_of(value: Any) -> CodeType | None:
    value = getattr(value, "__func__", value)
    return value.__code__ if isinstance(value, FunctionType) else None


@lru_cache(maxsize=512)
def _names_of(code: CodeType) -> frozenset[str]:
    """The names of attributes and globals in some code, and in the functions within it."""
    inner = (_names_of(each) for each in code.co_consts if isinstance(each, CodeType))
    return frozenset(code.co_names).union(*inner)


@lru_cache(maxsize=512)
def _works_on_transport(code: CodeType) -> bool:
    """Whether some code does more with a `transport` than to ask it for addresses."""
    if any(_works_on_transport(each) for each in code.co_consts if isinstance(each, CodeType)):
        return True
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("CACHE", "EXTENDED_ARG")]
    return any(
        step.argval == "transport"
        and "ATTR" in step.opname
        and (following is None or following.argval not in _OF_THE_TRANSPORT)
        for step, following in zip(steps, [*steps[1:], None], strict=True)
    )


def _stored(value: Any) -> set[str]:
    """The names of attributes that a function sets."""
    code = _code_of(value)
    return (
        set() if code is None else {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_ATTR"}
    )


def _written_by_twisted(name: str) -> Any:
    """An attribute of Twisted's channel; what is equal to nothing where a program has replaced it already."""
    value = getattr(_STOCK, name)
    code: Any = value.func if isinstance(value, partial) else getattr(value, "__func__", value)
    if isinstance(code, FunctionType):
        written = f"{code.__globals__.get('__name__')}".startswith("twisted.")
    else:
        written = not isinstance(value, MethodType) and DEFAULTS.get(name, value) == value
    return value if written else object()


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
