"""The private names of Twisted that Ropewalk uses.

Twisted may change names with a leading underscore in any release, so two tables list the names that Ropewalk uses.
`NAMES` has names in modules: importing one from this module looks it up in Twisted. `ATTRIBUTES` has attributes of
classes and instances, which are used directly; Ropewalk's packages call `check`, which looks for them, when they are
imported. Both the import of a name and `check` raise StartError (RW755) if a name is missing, so that no request fails
for that reason. twisted.web is imported only when one of its names is looked up, because applications without it do not
need the import.

The code handles differences between versions by looking for a name, never by comparing versions.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from dis import get_instructions
from importlib import import_module
from types import FunctionType
from typing import Any, Final, Literal

from ropewalk.errors import StartError
from ropewalk.twisted_versions import TESTED

User = Literal["dropin", "server", "testing"]


@dataclass(frozen=True, slots=True)
class Name:
    """A private name in a module of Twisted."""

    module: str
    name: str
    why: str
    earlier: Callable[[], Any] | None = None
    """A function that makes a replacement for older versions of Twisted, which do not have the name. It raises
    AttributeError if there is no replacement."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A private attribute of a class or its instances."""

    user: User
    """The package of Ropewalk that uses the attribute."""
    owner: str
    """The class that has the attribute, as `module:Class`."""
    name: str
    why: str
    optional: bool = False
    """Whether Ropewalk also works without the attribute."""


class EarlierNameEncoder:
    """Replaces `http_headers._nameEncoder` before Twisted 24.10, where `Headers` itself encodes names."""

    __slots__ = ("_canonicalHeaderCache", "encode")

    def __init__(self) -> None:
        from twisted.web.http_headers import Headers

        headers: Any = Headers()
        self.encode: Callable[[bytes | str], bytes] = headers._encodeName  # noqa: SLF001 - there is no public name
        self._canonicalHeaderCache: Mapping[bytes | str, bytes] = headers._canonicalHeaderCache  # noqa: SLF001 - as above


NAMES: Final[dict[str, Name]] = {
    "HTTP_CHANNEL_FACTORY": Name(
        "twisted.web.http",
        "_genericHTTPChannelProtocolFactory",
        "the default `protocol` of an HTTPFactory",
    ),
    "GenericHTTPChannelProtocol": Name(
        "twisted.web.http",
        "_GenericHTTPChannelProtocol",
        "the protocol of a connection, which holds the channel and switches to HTTP/2 if TLS has negotiated that",
    ),
    "escape": Name("twisted.web.http", "_escape", "writes a value in the combined log format"),
    "name_encoder": Name(
        "twisted.web.http_headers", "_nameEncoder", "writes the names of headers as `Headers` does", EarlierNameEncoder
    ),
    "IEncodingResource": Name("twisted.web.resource", "_IEncodingResource", "a resource that encodes responses"),
    "WebSocketWireProtocol": Name(
        "twisted.web._websocket_impl",
        "_WebSocketWireProtocol",
        "the protocol of a WebSocketResource, which is closed when the server stops",
    ),
    "SystemdParser": Name(
        "twisted.internet.endpoints", "_SystemdParser", "holds the sockets that systemd passes to the process"
    ),
    "in_filesystem": Name(
        "twisted.internet.unix", "_inFilesystemNamespace", "whether the address of a UNIX socket is a file"
    ),
}
"""The private names, by the names under which this module provides them."""

ATTRIBUTES: Final = (
    # Attributes of HTTP channels
    Attribute("dropin", "twisted.web.http:_GenericHTTPChannelProtocol", "_channel", "the channel that it holds"),
    Attribute("dropin", "twisted.web.http:HTTPChannel", "_networkProducer", "the transport, to pause and resume it"),
    Attribute("dropin", "twisted.web.http:HTTPChannel", "_requestProducer", "the producer of the running response"),
    Attribute(
        "dropin",
        "twisted.web.http:HTTPChannel",
        "_requestProducerStreaming",
        "whether the producer of the running response is a push producer",
    ),
    Attribute("dropin", "twisted.web.http:HTTPChannel", "_handlingRequest", "whether a program handles a request"),
    Attribute("dropin", "twisted.web.http:HTTPChannel", "_waitingForTransport", "whether the transport is full"),
    Attribute(
        "dropin", "twisted.web.http:HTTPChannel", "_savedTimeOut", "the idle timeout, while a program handles a request"
    ),
    Attribute(
        "dropin",
        "twisted.web.http:HTTPChannel",
        "_optimisticEagerReadSize",
        "the number of bytes to read ahead while a program handles a request",
    ),
    Attribute(
        "dropin",
        "twisted.web.http:HTTPChannel",
        "_respondToBadRequestAndDisconnect",
        "how requests reject a malformed form",
    ),
    Attribute(
        "dropin",
        "twisted.web.http:HTTPChannel",
        "_protocolUpgradeForWebsockets",
        "how a WebSocketResource takes over the connection",
        optional=True,
    ),
    Attribute("dropin", "twisted.web.http:HTTPChannel", "_command", "the method, read by `allHeadersReceived`"),
    Attribute("dropin", "twisted.web.http:HTTPChannel", "_path", "the target, read by `allHeadersReceived`"),
    Attribute("dropin", "twisted.web.http:HTTPChannel", "_version", "the version, read by `allHeadersReceived`"),
    # Attributes of requests
    Attribute("dropin", "twisted.web.http:Request", "_cleanup", "ends a request; `finish` calls it"),
    Attribute("dropin", "twisted.web.http:Request", "_disconnected", "whether the client has disconnected"),
    Attribute("dropin", "twisted.web.http:Request", "_log", "its logger"),
    Attribute("dropin", "twisted.web.server:Request", "_log", "its logger"),
    Attribute("dropin", "twisted.web.server:Request", "_encoder", "what encodes the body, such as gzip"),
    Attribute("dropin", "twisted.web.server:Request", "_inFakeHead", "whether a GET is rendered to respond to HEAD"),
    Attribute("dropin", "twisted.web.server:Request", "_handleStar", "responds to OPTIONS *"),
    Attribute(
        "dropin", "twisted.web.http:Request", "_parsePOSTFormSubmission", "whether forms become `args`", optional=True
    ),
    Attribute(
        "dropin",
        "twisted.web.server:Request",
        "_parsePOSTFormSubmission",
        "whether forms become `args`, set by the site",
        optional=True,
    ),
    Attribute(
        "dropin",
        "twisted.web.server:Site",
        "_parsePOSTFormSubmission",
        "whether forms become `args` by default",
        optional=True,
    ),
    Attribute("dropin", "twisted.python.components:Componentized", "_adapterCache", "the adapters of a request"),
    # Attributes of headers
    Attribute("dropin", "twisted.web.http_headers:Headers", "_rawHeaders", "the lines, by name"),
    Attribute(
        "dropin",
        "twisted.web.http_headers:_NameEncoder",
        "_canonicalHeaderCache",
        "the names that it has encoded",
        optional=True,
    ),
    # Attributes for the access log
    Attribute("dropin", "twisted.web.http:HTTPFactory", "_logFile", "the file to which `HTTPFactory.log` writes"),
    Attribute("dropin", "twisted.web.http:HTTPFactory", "_logFormatter", "the function that formats a line"),
    Attribute("dropin", "twisted.web.http:HTTPFactory", "_logDateTime", "the time that it passes to its formatter"),
    Attribute("dropin", "twisted.logger:LoggingFile", "_buffer", "an incomplete line"),
    Attribute("dropin", "twisted.logger:LoggingFile", "_closed", "whether it is closed"),
    Attribute(
        "dropin",
        "twisted.logger._global:LogBeginner",
        "_temporaryObserver",
        "the only observer before logging begins",
        optional=True,
    ),
    Attribute(
        "dropin",
        "twisted.logger._global:LogBeginner",
        "_initialBuffer",
        "the events before logging begins",
        optional=True,
    ),
    Attribute("dropin", "twisted.logger:LogPublisher", "_observers", "the observers of the log", optional=True),
    Attribute(
        "dropin",
        "twisted.python.logfile:BaseLogFile",
        "_file",
        "the unbuffered file, whose `write` may write a part of a line",
    ),
    # Attributes of sockets and ports
    Attribute(
        "dropin",
        "twisted.internet.abstract:FileDescriptor",
        "_tempDataLen",
        "the number of bytes that are not written yet",
    ),
    Attribute(
        "dropin", "twisted.internet.tcp:Server", "_fromConnectedSocket", "makes a transport for a connected socket"
    ),
    Attribute("server", "twisted.internet.defer:Deferred", "_debugInfo", "the failure to log if nothing handles it"),
    Attribute("server", "twisted.internet.tcp:Connection", "_shouldShutdown", "closes a socket without shutdown(2)"),
    Attribute(
        "server", "twisted.internet.tcp:Port", "_shouldShutdown", "closes a listening socket without shutdown(2)"
    ),
    Attribute("server", "twisted.internet.unix:Port", "_bindPath", "the path of the socket's file", optional=True),
    Attribute("server", "twisted.internet.endpoints:_SystemdParser", "_sddaemon", "holds the sockets of systemd"),
    Attribute(
        "server",
        "twisted.python.systemd:ListenFDs",
        "_names",
        "the names of the sockets of systemd, by their descriptors",
    ),
    Attribute("server", "twisted.logger._global:LogBeginner", "_temporaryObserver", "whether logging has begun"),
    # Attributes of the asyncio reactor
    Attribute(
        "server",
        "twisted.internet.asyncioreactor:AsyncioSelectorReactor",
        "_asyncioEventloop",
        "its event loop, which watches a descriptor with less overhead than the reactor",
    ),
    Attribute(
        "server",
        "twisted.internet.asyncioreactor:AsyncioSelectorReactor",
        "_readOrWrite",
        "calls a transport to read or write",
    ),
    Attribute("server", "twisted.internet.asyncioreactor:AsyncioSelectorReactor", "_readers", "what it reads from"),
    Attribute("server", "twisted.internet.asyncioreactor:AsyncioSelectorReactor", "_writers", "what it writes to"),
    Attribute(
        "testing",
        "twisted.internet.asyncioreactor:AsyncioSelectorReactor",
        "_timerHandle",
        "the timer of its next delayed call",
    ),
    Attribute(
        "testing",
        "twisted.internet.asyncioreactor:AsyncioSelectorReactor",
        "_scheduledAt",
        "when the timer of its next delayed call fires",
    ),
    Attribute(
        "testing",
        "twisted.internet.asyncioreactor:AsyncioSelectorReactor",
        "_reschedule",
        "sets the timer of its next delayed call",
    ),
    Attribute("testing", "twisted.internet.base:ReactorBase", "_stopThreadPool", "drops its thread pool"),
    Attribute(
        "testing", "twisted.internet.base:ReactorBase", "_eventTriggers", "the pools that start when the reactor runs"
    ),
    # Attributes of the epoll reactor
    Attribute(
        "server",
        "twisted.internet.epollreactor:EPollReactor",
        "_poller",
        "with which a forked worker registers its engine again; without it, the worker raises RW511",
        optional=True,
    ),
    Attribute(
        "testing",
        "twisted.internet.epollreactor:EPollReactor",
        "_poller",
        "is readable when there are events",
        optional=True,
    ),
)


def __getattr__(name: str) -> Any:
    """Return the object in Twisted for a name in `NAMES`. Raises StartError (RW755) if Twisted does not have it."""
    entry = NAMES.get(name)
    if entry is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(entry.module)
        found = entry.earlier() if entry.earlier and not hasattr(module, entry.name) else getattr(module, entry.name)
    except (ImportError, AttributeError) as error:
        raise _missing([f"{entry.module}.{entry.name} ({entry.why})"]) from error
    globals()[name] = found
    return found


def has_form_switch() -> bool:
    """Whether a site can switch off form parsing with `parsePOSTFormSubmission`, which Twisted has since version
    25.5."""
    from twisted.web.http import Request

    functions = [each for each in vars(Request).values() if isinstance(each, FunctionType)]
    return any("_parsePOSTFormSubmission" in each.__code__.co_names for each in functions)


def bind_path(port: Any) -> bytes:
    """Return the path to which a Twisted UNIX port is bound. Before Twisted 26.10, the attribute was named `port`."""
    path: bytes = getattr(port, "_bindPath", None) or port.port
    return path


def check(user: User) -> None:
    """Check that Twisted has the attributes that one of Ropewalk's packages needs.

    Raises StartError (RW755) otherwise.
    """
    missing = [each for each in ATTRIBUTES if each.user == user and not each.optional and not is_there(each)]
    if missing:
        raise _missing(f"{each.owner.replace(':', '.')}.{each.name} ({each.why})" for each in missing)


def is_there(attribute: Attribute) -> bool:
    """Whether a class has an attribute, or one of its methods sets it."""
    module, _, name = attribute.owner.partition(":")
    try:
        owner = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        return False
    if hasattr(owner, attribute.name):
        return True
    functions = (each for kind in owner.__mro__ for each in vars(kind).values() if isinstance(each, FunctionType))
    users = [each for each in functions if attribute.name in each.__code__.co_names]
    return any(
        instruction.opname == "STORE_ATTR" and instruction.argval == attribute.name
        for each in users
        for instruction in get_instructions(each)
    )


def _missing(names: Iterable[str]) -> StartError:
    from twisted import __version__

    lacking = ", ".join(names)
    return StartError("RW755", f"Twisted {__version__} has no {lacking}. Tested versions: {', '.join(TESTED)}.")
