"""The endpoint prefix `ropewalk:`, which you can put in front of the description of any server endpoint.

Examples are `ropewalk:tcp:8080`, `ropewalk:unix:/run/app.sock` and `ropewalk:ssl:443:privateKey=key.pem`. Limits (in
seconds, bytes or counts) may follow the prefix: `ropewalk:idle_timeout=30:body_size=10485760:tcp:8080`. With
`halfClose=yes`, clients may close their sending side and still receive their responses.
"""

import inspect
import os
import re
import socket
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from twisted.internet import endpoints
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import AdoptedStreamServerEndpoint, serverFromString
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.web.http import HTTPFactory
from zope.interface import directlyProvides, implementer, providedBy

from ropewalk._engine import Limits
from ropewalk.dropin.entry.accelerate import accelerate, accelerate_port
from ropewalk.dropin.entry.extras import MissingPackage, missing_package
from ropewalk.dropin.entry.factories import limits_for, unwrap
from ropewalk.dropin.object_proxy import ObjectProxy
from ropewalk.errors import StartError, full_name
from ropewalk.server import Site
from ropewalk.server import listen as listen_for_app
from ropewalk.server.endpoint_descriptions import HALF_CLOSE, KNOWN, half_closing, systemd_descriptor, truth
from ropewalk.server.socket_files import leave_to_others
from ropewalk.server.start_errors import served_with_other
from ropewalk.suggest import did_you_mean

NAMES: Final = frozenset(Limits.names) - {"backlog"}
"""The limits that a description may set. `backlog` is not one of them, because Twisted's endpoints have this option."""

OWN: Final = NAMES | {HALF_CLOSE}
"""The options of the prefix. All other options belong to the endpoint after the prefix."""


class MalformedEndpoint(StartError, ValueError):
    """RW720: the description after the prefix is malformed."""

    def __init__(self, description: str, reason: str) -> None:
        super().__init__("RW720", f"ropewalk:{description} is malformed: {reason}")


def parse(reactor: Any, arguments: Sequence[str], options: Mapping[str, str]) -> "Endpoint":
    """Return the endpoint for the description after the prefix, which Twisted has split into arguments and options.

    Raises MalformedEndpoint, and MissingPackage (RW750) for TLS without pyOpenSSL.
    """
    own = {name: value for name, value in options.items() if name not in OWN}
    given = {name: value for name, value in options.items() if name in OWN}
    written = _written(arguments, options)
    limits = _limits(written, {name: value for name, value in given.items() if name in NAMES})
    description = _join(arguments, own)
    try:
        half_close = truth(HALF_CLOSE, given.get(HALF_CLOSE, "no"))
        if arguments[:1] == ("fd",):
            wrapped = _inherited(reactor, *arguments[1:], **own)
        elif arguments[:1] == ("systemd",):
            wrapped = _inherited(reactor, systemd_descriptor(arguments[1:], own))
        else:
            wrapped = serverFromString(reactor, description)
    except (MalformedEndpoint, MissingPackage):  # raised for a second `ropewalk:` in this description
        raise
    except (ImportError, NameError) as error:
        missing = missing_package(f"ropewalk:{written}", error)
        if missing is None:
            raise
        raise missing from error
    except TypeError as error:
        raise MalformedEndpoint(written, _reason(error, arguments[0], own)) from error
    except ValueError as error:
        raise MalformedEndpoint(written, _sentence(f"{error}")) from error
    return Endpoint(reactor, description, wrapped, limits, half_close=half_close)


def _reason(error: TypeError, kind: str, options: Mapping[str, str]) -> str:
    """Explain a TypeError that Twisted's parser for this kind of endpoint raised because of wrong arguments."""
    unknown = next((name for name in options if f"'{name}'" in f"{error}"), None)
    if unknown is not None:
        parser = getattr(endpoints, f"{error}".partition("(")[0], None)
        known = inspect.signature(parser).parameters if callable(parser) else KNOWN.get(kind, ())
        return _sentence(f"{kind} has no option {unknown}.{did_you_mean(unknown, OWN | {*known})}")
    missing = re.search(r"missing [0-9]+ required positional arguments?: (.*)", f"{error}")
    if missing:
        absent = missing[1].replace("'", "")
        return f"it lacks the {absent}."
    if "positional argument" in f"{error}":
        return "it has an argument too many (a colon within a value is written \\:)."
    return _sentence(f"{error}")


def _sentence(text: str) -> str:
    text = re.sub(r"invalid literal for int\(\) with base 10: ('.*')", r"\1 is not a number", text)
    text = re.sub(r"invalid literal for int\(\) with base 8: ('.*')", r"\1 is not an octal number", text)
    return text if text.endswith((".", "?")) else f"{text}."


@implementer(IStreamServerEndpoint)
class Endpoint(ObjectProxy):
    """An endpoint for sites of twisted.web and of Ropewalk. The engine serves them.

    If `wrapped` opens a plain TCP or UNIX port, the engine accepts connections itself. Otherwise Twisted's port accepts
    connections, and passes their bytes to the engine.

    The endpoint is a proxy for `wrapped`: besides its own attributes, it has the attributes, class and interfaces of
    `wrapped`.
    """

    original_name = "wrapped"
    own_names = frozenset(("reactor", "description", "wrapped", "limits", "half_close"))

    def __init__(
        self,
        reactor: Any,
        description: str,
        wrapped: IStreamServerEndpoint,
        limits: Mapping[str, float],
        *,
        half_close: bool = False,
    ) -> None:
        directlyProvides(self, providedBy(wrapped))
        self.reactor = reactor
        self.description = description
        """The description of `wrapped`."""
        self.wrapped = wrapped
        self.limits = limits
        """The limits by name. They override the limits of the site."""
        self.half_close = half_close
        """Whether clients may close their sending side and still receive their responses."""

    def __repr__(self) -> str:
        return f"<ropewalk:{self.description}>"

    def listen(self, protocolFactory: Any) -> "Deferred[IListeningPort]":
        """Listen. Return a Deferred that fires with the port of `wrapped`.

        It fails with StartError (RW721) if the factory does not serve HTTP, with StartError (RW404) if the factory is
        already served with other limits, and with the errors of `wrapped`.
        """
        return maybeDeferred(self._listen, protocolFactory)

    def _listen(self, factory: Any) -> Any:
        served = unwrap(factory)
        if isinstance(served, Site):
            return self._listen_for_ours(factory, served)
        if not isinstance(served, HTTPFactory):
            raise StartError("RW721", f"ropewalk:{self.description} was given {full_name(type(served))} to serve.")
        limits = limits_for(served, self.limits)
        accelerate(served, limits=limits)
        return self.wrapped.listen(factory).addCallback(self._accept)

    def _listen_for_ours(self, factory: Any, site: Site) -> Any:
        limits = site.limits
        if self.limits:
            limits = (site.limits or Limits()).replace(**self.limits)
            if site.numPorts and limits != site.limits:
                raise served_with_other("limits", "The site")
        half_close = self.half_close or site.half_close
        if site is factory and self.description.partition(":")[0] in KNOWN:
            description = half_closing(self.description) if half_close else self.description
            return listen_for_app(site.app, self.reactor, description, limits=limits, proxies=site.proxies)
        site.limits = limits
        site.half_close = half_close
        return self.wrapped.listen(factory).addCallback(self._leave_inherited)

    def _accept(self, port: IListeningPort) -> IListeningPort:
        accelerate_port(self._leave_inherited(port), half_close=self.half_close)
        return port

    def _leave_inherited(self, port: IListeningPort) -> IListeningPort:
        if self.description.partition(":")[0] in ("fd", "systemd"):
            leave_to_others(port)
        return port


def _inherited(reactor: Any, descriptor: str | int) -> AdoptedStreamServerEndpoint:
    """Return an endpoint for a listening socket that the process has inherited. It uses a duplicate of the socket."""
    number = int(descriptor)
    try:
        duplicate = os.dup(number)
    except OSError as error:
        raise ValueError(f"there is no descriptor {number}") from error
    with socket.socket(fileno=os.dup(duplicate)) as listening:
        return AdoptedStreamServerEndpoint(reactor, duplicate, listening.family)


def _limits(description: str, options: Mapping[str, str]) -> dict[str, float]:
    limits = {name: _number(description, name, value) for name, value in options.items()}
    try:
        Limits(**limits)
    except ValueError as error:
        raise MalformedEndpoint(description, f"{error}") from error
    return limits


def _number(description: str, name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise MalformedEndpoint(description, f"the limit {name} must be a number, not {value!r}.") from None


def _written(arguments: Sequence[str], options: Mapping[str, str]) -> str:
    """Return the description after the prefix, for messages. Twisted does not keep the order of arguments and options,
    so the result may differ from what the user wrote.

    Options of the prefix, and misspelt options, are put before the endpoint.
    """
    front = {name: value for name, value in options.items() if get_close_matches(name, OWN, cutoff=0.8)}
    after = {name: value for name, value in options.items() if name not in front}
    return ":".join(filter(None, (_join((), front), _join(arguments, after))))


def _join(arguments: Sequence[str], options: Mapping[str, str]) -> str:
    """Return a description that Twisted splits into these arguments and options."""
    named = (f"{name}={_quoted(value, ':')}" for name, value in options.items())
    return ":".join([*(_quoted(argument, ":=") for argument in arguments), *named])


def _quoted(text: str, marks: str) -> str:
    for mark in f"\\{marks}":
        text = text.replace(mark, f"\\{mark}")
    return text
