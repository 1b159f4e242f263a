"""Decides whether the engine can serve a channel whose methods a program overrides.

An override may be defined in a subclass, set on twisted.web's class or ours, or set on one channel before its
connection is made.

| what is overridden | who serves the connection |
|---|---|
| nothing, or a method in `CALLED_ALWAYS` | the engine |
| a method in `CALLED_IF_OVERRIDDEN` | the engine; the channel makes every call that twisted.web's channel makes |
| any other method | Twisted's own channel and transport |
| a method, by code that may use the transport or the parser | Twisted's own channel and transport |
"""

from collections.abc import Callable, Iterable
from functools import partial
from inspect import getattr_static
from operator import attrgetter, itemgetter
from types import FunctionType, MethodType
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from twisted.logger import Logger
from twisted.web import http

from ropewalk.dropin.connection.bytecode_check import AccessRules, Rejected
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
"""Methods that are called on every channel, when twisted.web would call them."""

CALLED_IF_OVERRIDDEN: Final = frozenset(
    (
        *("allHeadersReceived", "allContentReceived", "checkPersistence"),
        *("writeHeaders", "write", "writeSequence", "registerProducer", "unregisterProducer", "getPeer", "getHost"),
    )
)
"""Methods that are called only if one of them is overridden."""

READ: Final = {"maxHeaders": 500, "totalHeadersSize": 16384}
"""Attributes that have an effect on every channel, with their values in twisted.web."""

STATE: Final = frozenset(
    (
        *("callLater", "connected", "factory", "paused", "requestFactory", "requests", "site", "timeOut", "transport"),
        *("_log", "_networkProducer", "_optimisticEagerReadSize", "clearLineBuffer", "sendLine"),
    )
)
"""Attributes that factories and programs may set on any channel, and methods that only programs call.

A program may override them, and the engine still serves the channel.
"""

DEFAULTS: Final = {
    "MAX_LENGTH": 16384,
    "abortTimeout": 15,
    "delimiter": b"\r\n",
    "line_mode": 1,
}
"""Attributes that only Twisted's own channel reads, with their values in twisted.web."""
NAMES: Final = tuple(
    sorted(
        name for name in dir(_STOCK) if not (name.startswith(("__", "_HTTPChannel__")) or name in STATE or name in READ)
    )
)
"""The names whose overrides are checked."""

METHODS: Final = frozenset(name for name in NAMES if callable(getattr(_STOCK, name))) | DEFAULTS.keys()
"""The names whose overrides on a single channel are checked. All other names hold the state of a channel, so a
value on the channel is not an override."""

TWISTED_ONLY: Final = METHODS - CALLED_ALWAYS - CALLED_IF_OVERRIDDEN
"""The names that only Twisted's own channel calls or reads."""

_CONNECTION: Final = frozenset(("connectionMade", "connectionLost", "makeConnection", "__init__"))
"""The methods that are called outside any request."""
_REGISTERS: Final = frozenset(("connectionMade", "connectionLost"))
"""The methods in which a channel may add itself to a list of its factory, as in Synapse.

That is allowed, because a factory can get hold of any channel that it builds.
"""
_EARLY: Final = frozenset(("allHeadersReceived", "allContentReceived", "checkPersistence"))
"""The methods that are called before the program gets the request. Their overrides must not send anything."""
_SENDING: Final = frozenset(("write", "writeSequence", "writeHeaders", "requestDone"))
_ATTRIBUTES: Final = READ.keys() | {
    "_log",
    "callLater",
    "factory",
    "length",
    "persistent",
    "requestFactory",
    "site",
    "timeOut",
}
"""The attributes that an override may read and set."""
_TWISTED: Final = frozenset(dir(_STOCK)) | vars(_STOCK()).keys()
_ATTRIBUTE_HOOKS: Final = ("__getattr__", "__getattribute__", "__setattr__", "__delattr__", "__new__")
"""Methods that Python calls for every attribute of an object, or to create it."""

_values_of: Final = attrgetter(*NAMES)
_FUNCTIONS: Final = tuple(name for name in NAMES if isinstance(getattr(_STOCK, name), FunctionType))
_functions_of: Final = attrgetter(*(f"{name}.__func__" for name in _FUNCTIONS))
_functions_among: Final = itemgetter(*map(NAMES.index, _FUNCTIONS))
_DATA: Final = tuple(name for name in NAMES if name in DEFAULTS)
_data_of: Final = attrgetter(*_DATA)
_data_among: Final = itemgetter(*map(NAMES.index, _DATA))
_WRAPPER_READS: Final = GenericHTTPChannelProtocol.dataReceived


KEPT: Final = "RW740 Connections of {channel} stay on Twisted's own channel: {reason}."
FOREIGN: Final = "RW743 Connections of {protocol} stay Twisted's: it is not a ropewalk.dropin.HTTPChannel."

observers: Final[list[Callable[[str], object]]] = []
"""Functions that are called with the text of `KEPT` or `FOREIGN`, once for each class, if a connection stays with
Twisted."""


class Decision(NamedTuple):
    """The decision about how a connection is served."""

    reason: str = ""
    """Why the connection stays on Twisted's own channel. Empty if the engine serves it."""
    makes_all_calls: bool = False
    """Whether the channel makes every call that twisted.web's channel makes."""


class _Known(NamedTuple):
    ours: tuple[Any, ...]
    twisted: tuple[Any, ...]
    decision: Decision


class Overrides:
    """Decides how connections of a channel class and its subclasses are served.

    Create the object before a program sets any override, because it records the original methods.
    """

    def __init__(self, ours: type[http.HTTPChannel]) -> None:
        self._base = ours
        self._ours = dict(zip(NAMES, _values_of(ours), strict=True))
        self._originals = {**self._ours, "__init__": ours.__init__}
        self._twisted = {name: _written_by_twisted(name) for name in NAMES}
        self._known: WeakKeyDictionary[type, _Known] = WeakKeyDictionary()
        self._reported: set[tuple[str, str]] = set()

    def decide(self, channel: Any) -> Decision:
        """Decide how a channel with its current overrides is served. Log the reason if it stays with Twisted."""
        kind = type(channel)
        known = self._known.get(kind)
        ours, twisted = _values_of(kind), _values_of(_STOCK)
        if known is None or known.ours != ours or known.twisted != twisted:
            known = _Known(ours, twisted, self._decide(kind, dict(zip(NAMES, ours, strict=True)), twisted))
            self._known[kind] = known
        decision = known.decision
        set_here = _set_on(channel, known.ours)
        if set_here:
            decision = _either(decision, self._judge(kind, set_here, channel))
        if decision.reason:
            self._report(kind, decision.reason)
        return decision

    def reason_to_stay_twisted(self, kind: type) -> str:
        """Return why all channels of a class stay with Twisted.

        The reason is empty if the engine may serve channels of this class.
        """
        return self._decide(kind, dict(zip(NAMES, _values_of(kind), strict=True)), _values_of(_STOCK)).reason

    def overridden_names(self, channel: Any) -> set[str]:
        """Return the names that the class of a channel overrides, or that are overridden on the channel itself."""
        found = dict(zip(NAMES, _values_of(type(channel)), strict=True))
        overridden: set[str] = {name for name, value in found.items() if value is not self._ours[name]}
        return overridden.union(METHODS & vars(channel).keys())

    def _decide(self, kind: type, found: dict[str, Any], twisted: Iterable[Any]) -> Decision:
        replaced = [name for name, now in zip(NAMES, twisted, strict=True) if now is not self._twisted[name]]
        if replaced:
            return Decision(f"{_listed(replaced)} of Twisted's own channel is replaced")
        overridden = {name: value for name, value in found.items() if value is not self._ours[name]}
        return self._judge(kind, overridden)

    def _judge(self, kind: type, overridden: dict[str, Any], channel: Any = None) -> Decision:
        """Decide for overrides in the class `kind` or, if `channel` is given, on this channel."""
        strange = [name for name in overridden if name not in CALLED_ALWAYS and name not in CALLED_IF_OVERRIDDEN]
        if strange:
            return Decision(f"{_listed(strange)} is overridden")
        classes = [each for each in kind.__mro__ if each not in self._base.__mro__]
        defined: dict[str, list[Any]] = {}
        for each in classes:
            for name, value in vars(each).items():
                defined.setdefault(name, []).append(value)
        # A class with such a method is rejected even if it overrides nothing else, because the method may change the
        # effect of any attribute.
        found = [name for name in _ATTRIBUTE_HOOKS if name in defined]
        if found:
            return Decision(f"{_listed(found)} is defined")
        # `__init__` runs before the other overrides, and might pass the channel to other code.
        also = {"__init__": defined["__init__"][0]} if overridden and "__init__" in defined else {}
        for name, value in sorted({**overridden, **also}.items()):
            rules = AccessRules(
                methods=_callable_in(name),
                attributes=_ATTRIBUTES,
                twisted=_TWISTED,
                defined=defined,
                classes=classes,
                originals=self._originals,
                sets_methods=name in _CONNECTION,
                passes_channel=name in _REGISTERS,
            )
            try:
                rules.check(name, getattr_static(kind, name) if channel is None else _bound_to(channel, value))
                rules.check_defined(name)
            except Rejected as why:
                return Decision(f"its override of {name} {why}")
        return Decision(makes_all_calls=not CALLED_IF_OVERRIDDEN.isdisjoint(overridden))

    def _report(self, kind: type, reason: str) -> None:
        named = full_name(kind)
        if (named, reason) not in self._reported:
            self._reported.add((named, reason))
            log.warn(KEPT, channel=named, reason=reason)
            _notify_observers(KEPT.format(channel=named, reason=reason))


_foreign: Final[set[str]] = set()


def report_foreign(protocol: Any) -> None:
    """Log, once for each class, that a factory builds protocols of a class that the engine cannot serve."""
    if passes_all_bytes(protocol):
        protocol = protocol._channel
    named = full_name(type(protocol))
    if named not in _foreign:
        _foreign.add(named)
        log.warn(FOREIGN, protocol=named)
        _notify_observers(FOREIGN.format(protocol=named))


def _notify_observers(reason: str) -> None:
    for observer in tuple(observers):
        observer(reason)


def passes_all_bytes(protocol: Any) -> bool:
    """Whether a protocol is Twisted's wrapper that detects HTTP/2, and passes all bytes to its channel."""
    return (
        isinstance(protocol, GenericHTTPChannelProtocol)
        and getattr(protocol.dataReceived, "__func__", None) is _WRAPPER_READS
    )


def _set_on(channel: Any, of_class: tuple[Any, ...]) -> dict[str, Any]:
    """Return the overrides on one channel.

    Its `__dict__` is read only if necessary, because instances in CPython are slower once it was read.
    """
    try:
        if _functions_of(channel) == _functions_among(of_class) and _data_of(channel) == _data_among(of_class):
            return {}
    except AttributeError:  # an override on the channel is not a method
        pass
    return {name: value for name, value in vars(channel).items() if name in METHODS}


def _either(one: Decision, other: Decision) -> Decision:
    return Decision(one.reason or other.reason, one.makes_all_calls or other.makes_all_calls)


def _callable_in(hook: str) -> frozenset[str]:
    """Return the methods of Twisted's channel that an override may call, or replace on its channel."""
    if hook in _CONNECTION:
        return CALLED_ALWAYS - {"requestDone"} | {"getPeer", "getHost", "setTimeout", "__init__"}
    return (CALLED_ALWAYS | CALLED_IF_OVERRIDDEN) - (_SENDING if hook in _EARLY else frozenset())


def _bound_to(channel: Any, value: Any) -> Any:
    """Return the function of a method that was set on a channel; None for any other object."""
    return value.__func__ if isinstance(value, MethodType) and value.__self__ is channel else None


def _written_by_twisted(name: str) -> Any:
    """Return an attribute of Twisted's channel.

    If a program has replaced it, return a new object, which equals no other.
    """
    value = getattr(_STOCK, name)
    code: Any = value.func if isinstance(value, partial) else getattr(value, "__func__", value)
    if isinstance(code, FunctionType):
        written = f"{code.__globals__.get('__name__')}".startswith("twisted.")
    else:
        written = not isinstance(value, MethodType) and DEFAULTS.get(name, value) == value
    return value if written else object()


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
