"""The private names of Twisted that Ropewalk uses, and the versions of Twisted with which it is tested.

Twisted may change what begins with an underscore in any release. So each such name stands in one of two tables here:

| table | what it holds | how it is used |
|---|---|---|
| `NAMES` | names of modules | `from ropewalk.twisted_private import escape` looks it up |
| `ATTRIBUTES` | attributes of classes and instances | directly: `factory._logFile`. `check` looks for them at import |

Both raise StartError (RW755) where a name is missing, so that nothing fails in the middle of a request. No module of
Twisted is imported before one of its names is asked for: a program without twisted.web does without it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from types import FunctionType
from typing import Any, Final, Literal

from ropewalk.errors import StartError

TESTED: Final = ("26.10.0",)
"""The versions with which our tests and Twisted's own tests of twisted.web are run, oldest first."""

User = Literal["dropin", "server", "testing"]


@dataclass(frozen=True, slots=True)
class Name:
    """A private name of a module."""

    module: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """A private attribute of a class or its instances."""

    user: User
    """The package of ours that does not work without it."""
    owner: str
    """The class, as `module:Class`."""
    name: str
    why: str
    optional: bool = False
    """Whether the code that uses it does without it where it is missing."""


NAMES: Final = {
    "HTTP_CHANNEL_FACTORY": Name(
        "twisted.web.http",
        "_genericHTTPChannelProtocolFactory",
        "the `protocol` of an HTTPFactory to which nobody has given another",
    ),
    "GenericHTTPChannelProtocol": Name(
        "twisted.web.http",
        "_GenericHTTPChannelProtocol",
        "what that makes: it holds the channel, and changes to HTTP/2 where TLS has negotiated that",
    ),
    "escape": Name("twisted.web.http", "_escape", "writes a value in the combined log format"),
    "name_encoder": Name("twisted.web.http_headers", "_nameEncoder", "writes the names of headers as `Headers` does"),
    "IEncodingResource": Name("twisted.web.resource", "_IEncodingResource", "a resource that encodes responses"),
    "WebSocketWireProtocol": Name(
        "twisted.web._websocket_impl",
        "_WebSocketWireProtocol",
        "the protocol of a WebSocketResource, which is told when the server stops",
    ),
    "SystemdParser": Name("twisted.internet.endpoints", "_SystemdParser", "holds the sockets that systemd has given"),
    "in_filesystem": Name(
        "twisted.internet.unix", "_inFilesystemNamespace", "whether the address of a UNIX socket is a file"
    ),
}
"""What this module has for its attributes, and where that is in Twisted."""

ATTRIBUTES: Final = (
    # Channels
    Attribute("dropin", "twisted.web.http:_GenericHTTPChannelProtocol", "_channel", "the channel that it holds"),
    Attribute("dropin", "twisted.web.http:HTTPChannel", "_networkProducer", "the transport, to pause and resume it"),
    Attribute("dropin", "twisted.web.http:HTTPChannel", "_requestProducer", "the producer of the running response"),
    Attribute("dropin", "twisted.web.http:HTTPChannel", "_requestProducerStreaming", "whether that is a push producer"),
    Attribute("dropin", "twisted.web.http:HTTPChannel", "_handlingRequest", "a program has the request"),
    Attribute("dropin", "twisted.web.http:HTTPChannel", "_waitingForTransport", "the transport is full"),
    Attribute("dropin", "twisted.web.http:HTTPChannel", "_savedTimeOut", "the idle timeout, which waits meanwhile"),
    Attribute("dropin", "twisted.web.http:HTTPChannel", "_optimisticEagerReadSize", "bytes to read ahead meanwhile"),
    Attribute(
        "dropin",
        "twisted.web.http:HTTPChannel",
        "_respondToBadRequestAndDisconnect",
        "how requests refuse a form, and programs what they refuse",
    ),
    Attribute(
        "dropin",
        "twisted.web.http:HTTPChannel",
        "_protocolUpgradeForWebsockets",
        "how a WebSocketResource takes the connection over",
        optional=True,
    ),
    Attribute("dropin", "twisted.web.http:HTTPChannel", "_command", "the method, for `allHeadersReceived`"),
    Attribute("dropin", "twisted.web.http:HTTPChannel", "_path", "the target, for that"),
    Attribute("dropin", "twisted.web.http:HTTPChannel", "_version", "the version, for that"),
    # Requests
    Attribute("dropin", "twisted.web.http:Request", "_cleanup", "the end of a request, which `finish` calls"),
    Attribute("dropin", "twisted.web.http:Request", "_disconnected", "the client has left"),
    Attribute("dropin", "twisted.web.http:Request", "_log", "its logger"),
    Attribute("dropin", "twisted.web.server:Request", "_log", "its logger"),
    Attribute("dropin", "twisted.web.server:Request", "_encoder", "what encodes the body, such as gzip"),
    Attribute("dropin", "twisted.web.server:Request", "_inFakeHead", "a GET is rendered to respond to HEAD"),
    Attribute("dropin", "twisted.web.server:Request", "_handleStar", "responds to OPTIONS *"),
    Attribute(
        "dropin", "twisted.web.http:Request", "_parsePOSTFormSubmission", "whether forms become `args`", optional=True
    ),
    Attribute(
        "dropin", "twisted.web.server:Request", "_parsePOSTFormSubmission", "the same, by the site", optional=True
    ),
    Attribute("dropin", "twisted.web.server:Site", "_parsePOSTFormSubmission", "the default of that", optional=True),
    Attribute("dropin", "twisted.python.components:Componentized", "_adapterCache", "components of a request"),
    # Headers
    Attribute("dropin", "twisted.web.http_headers:Headers", "_rawHeaders", "the lines, by their names"),
    Attribute(
        "dropin", "twisted.web.http_headers:_NameEncoder", "_canonicalHeaderCache", "the names that it has written"
    ),
    # Logs
    Attribute("dropin", "twisted.web.http:HTTPFactory", "_logFile", "what `HTTPFactory.log` writes to"),
    Attribute("dropin", "twisted.web.http:HTTPFactory", "_logFormatter", "what it calls for a line"),
    Attribute("dropin", "twisted.web.http:HTTPFactory", "_logDateTime", "the time that it gives to that"),
    Attribute("dropin", "twisted.logger:LoggingFile", "_buffer", "a line that is not complete"),
    Attribute("dropin", "twisted.logger:LoggingFile", "_closed", "whether it is closed"),
    Attribute(
        "dropin",
        "twisted.logger._global:LogBeginner",
        "_temporaryObserver",
        "the only observer before logging begins",
        optional=True,
    ),
    Attribute("dropin", "twisted.logger._global:LogBeginner", "_initialBuffer", "the history in that", optional=True),
    Attribute("dropin", "twisted.logger:LogPublisher", "_observers", "the observers of the log", optional=True),
    Attribute("dropin", "twisted.python.logfile:BaseLogFile", "_file", "the raw file, which may write half a line"),
    # Sockets and ports
    Attribute("dropin", "twisted.internet.abstract:FileDescriptor", "_tempDataLen", "bytes that wait to be written"),
    Attribute("server", "twisted.internet.tcp:Connection", "_shouldShutdown", "closes a socket without shutdown(2)"),
    Attribute("server", "twisted.internet.tcp:Port", "_shouldShutdown", "the same of a listening socket"),
    Attribute("server", "twisted.internet.unix:Port", "_bindPath", "the path of the socket's file"),
    Attribute("server", "twisted.internet.endpoints:_SystemdParser", "_sddaemon", "holds the sockets of systemd"),
    Attribute("server", "twisted.python.systemd:ListenFDs", "_names", "their names, by their descriptors"),
    Attribute("server", "twisted.logger._global:LogBeginner", "_temporaryObserver", "whether logging has begun"),
    # The asyncio reactor
    Attribute(
        "server",
        "twisted.internet.asyncioreactor:AsyncioSelectorReactor",
        "_asyncioEventloop",
        "its loop, which watches a descriptor sooner than the reactor does",
    ),
    Attribute("testing", "twisted.internet.asyncioreactor:AsyncioSelectorReactor", "_timerHandle", "its timer"),
    Attribute("testing", "twisted.internet.asyncioreactor:AsyncioSelectorReactor", "_scheduledAt", "when that is due"),
    Attribute("testing", "twisted.internet.asyncioreactor:AsyncioSelectorReactor", "_reschedule", "sets it anew"),
    Attribute("testing", "twisted.internet.base:ReactorBase", "_stopThreadPool", "drops the pool of its threads"),
    Attribute(
        "testing",
        "twisted.internet.epollreactor:EPollReactor",
        "_poller",
        "readable when there is something to do",
        optional=True,
    ),
)


def __getattr__(name: str) -> Any:
    """The object in Twisted that `NAMES` has under this name. Raises StartError (RW755) where Twisted lacks it."""
    entry = NAMES.get(name)
    if entry is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        found = getattr(import_module(entry.module), entry.name)
    except (ImportError, AttributeError) as error:
        raise _missing([f"{entry.module}.{entry.name} ({entry.why})"]) from error
    globals()[name] = found
    return found


def check(user: User) -> None:
    """Look for the attributes that a package of ours needs. Raises StartError (RW755) where Twisted lacks some."""
    missing = [each for each in ATTRIBUTES if each.user == user and not each.optional and not is_there(each)]
    if missing:
        raise _missing(f"{each.owner.replace(':', '.')}.{each.name} ({each.why})" for each in missing)


def is_there(attribute: Attribute) -> bool:
    """Whether a class has an attribute, or one of its functions sets or reads it on instances."""
    module, _, name = attribute.owner.partition(":")
    try:
        owner = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        return False
    if hasattr(owner, attribute.name):
        return True
    functions = (each for kind in owner.__mro__ for each in vars(kind).values() if isinstance(each, FunctionType))
    return any(attribute.name in each.__code__.co_names for each in functions)


def _missing(names: Iterable[str]) -> StartError:
    from twisted import __version__

    lacking = ", ".join(names)
    return StartError("RW755", f"Twisted {__version__} has no {lacking}. Tested versions: {', '.join(TESTED)}.")
