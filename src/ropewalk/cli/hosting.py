"""`--wsgi` and `--asgi`: applications that were written for one of these interfaces."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any, Final, Literal

import click

from ropewalk import App, Resource, Site
from ropewalk.cli.failure import Failure
from ropewalk.cli.flags import Decorated, WholeNumber, flag, source_of
from ropewalk.errors import HostedError, describe

Interface = Literal["wsgi", "asgi"]


@dataclass(frozen=True, kw_only=True)
class Hosting:
    """Whether an application is hosted, and how. One field for each flag."""

    wsgi: bool = False
    """It is called by WSGI."""
    asgi: bool = False
    """It is called by ASGI."""
    wsgi_threads: int | None = None
    """On how many threads; None for those of the reactor."""
    limits_body: bool = False
    """The engine's limit for bodies has been set, and is to count for the application."""

    def __post_init__(self) -> None:
        if self.wsgi and self.asgi:
            both = f"{source_of('wsgi')} and {source_of('asgi')}"
            raise click.UsageError(
                f"An application is called by WSGI or by ASGI, not by {both}. Leave out one of them."
            )
        if self.wsgi_threads is not None and not self.wsgi:
            alone, other = source_of("wsgi_threads"), source_of("wsgi", like="wsgi_threads")
            raise click.UsageError(f"{alone} is for applications of WSGI. Leave it out, or set {other} too.")

    @property
    def interface(self) -> Interface | None:
        """The one by which it is called; None where nothing is hosted."""
        return "wsgi" if self.wsgi else "asgi" if self.asgi else None

    def host(self, application: object, name: str) -> Resource:
        """What answers for an application. Raises `Failure` where that is not called by this interface."""
        interface = self.interface
        assert interface is not None
        if isinstance(application, App | Resource | Site):
            raise Failure("RW414", f"{name} is Ropewalk's own. Leave out {source_of(interface)}.")
        try:
            return _HOSTS[interface](application, self)
        except HostedError as error:
            other = likely_interface(application)
            if other is None and is_factory(application):
                made = f"application = {describe(application)}()"
                message = f"{name} takes no arguments. If it makes the application, call it at the top level: {made}"
                raise Failure(error.code, message) from error
            if other is None:
                raise Failure(error.code, f"{name}: {error.message} {error.remedy}") from error
            instead = f"{source_of(other, like=interface)} in place of {source_of(interface)}"
            message = f"{name} looks like an application of {other.upper()}. Set {instead}."
            raise Failure(error.code, message) from error


def is_factory(thing: object) -> bool:
    """Whether something can be called without arguments, as what makes an application."""
    if not callable(thing):
        return False
    try:
        signature(thing).bind()
    except (TypeError, ValueError):
        return False
    return True


def likely_interface(thing: object) -> Interface | None:
    """The interface by which something can be called, where there is one."""
    for interface, host in _HOSTS.items():
        try:
            host(thing, Hosting())
        except HostedError:
            continue
        return interface
    return None


def hosting_flags(command: Decorated) -> Decorated:
    """The flags of which `hosting_of` makes a `Hosting`."""
    for decorate in reversed(_FLAGS):
        command = decorate(command)
    return command


def hosting_of(flags: dict[str, Any], limits: Mapping[str, float]) -> Hosting:
    """Take out of the flags of a command what is about hosting."""
    taken = {name: flags.pop(name) for name in ("wsgi", "asgi", "wsgi_threads")}
    return Hosting(**taken, limits_body="body_size" in limits)


def _host_by_wsgi(application: object, hosting: Hosting) -> Resource:
    from ropewalk.wsgi import WSGIOptions, wsgi

    options = WSGIOptions(threads=hosting.wsgi_threads)
    return wsgi(application, replace(options, body_limit=None) if hosting.limits_body else options)


def _host_by_asgi(application: object, hosting: Hosting) -> Resource:
    from ropewalk.asgi import ASGIOptions, asgi

    options = ASGIOptions()
    return asgi(application, replace(options, body_limit=None) if hosting.limits_body else options)


_HOSTS: Final[dict[Interface, Callable[[object, Hosting], Resource]]] = {"wsgi": _host_by_wsgi, "asgi": _host_by_asgi}

_FLAGS: Sequence[Callable[[Any], Any]] = (
    flag(
        "--wsgi",
        is_flag=True,
        default=Hosting.wsgi,
        show_default=False,
        help="TARGET is a WSGI application, such as one of Flask or Django.",
    ),
    flag(
        "--asgi",
        is_flag=True,
        default=Hosting.asgi,
        show_default=False,
        help="TARGET is an ASGI application, such as one of FastAPI or Starlette.",
    ),
    flag(
        "--wsgi-threads",
        type=WholeNumber(1),
        default=Hosting.wsgi_threads,
        help="Threads that call it by WSGI.  [default: the reactor's 10]",
    ),
)
