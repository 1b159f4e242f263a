"""The flags `--wsgi` and `--asgi`, for TARGETs that are WSGI or ASGI applications."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import click

from ropewalk import App, Resource, Site
from ropewalk.cli.application_kind import AN_APPLICATION, Interface, is_factory, likely_interface
from ropewalk.cli.error import CLIError
from ropewalk.cli.flags import Decorated, WholeNumber, flag, source_of
from ropewalk.errors import HostedError, describe


@dataclass(frozen=True, kw_only=True)
class Hosting:
    """The values of the flags for WSGI and ASGI applications."""

    wsgi: bool = False
    """Whether TARGET is a WSGI application."""
    asgi: bool = False
    """Whether TARGET is an ASGI application."""
    wsgi_threads: int | None = None
    """The number of threads for a WSGI application; None to use the reactor's threads."""
    limits_body: bool = False
    """Whether the user set the engine's limit for request bodies. If so, this limit applies to the application too."""

    def __post_init__(self) -> None:
        if self.wsgi and self.asgi:
            both = f"{source_of('wsgi')} and {source_of('asgi')}"
            raise click.UsageError(f"An application uses WSGI or ASGI, but {both} are set. Leave out one of them.")
        if self.wsgi_threads is not None and not self.wsgi:
            alone, other = source_of("wsgi_threads"), source_of("wsgi", like="wsgi_threads")
            raise click.UsageError(f"{alone} is for WSGI applications. Leave it out, or set {other} too.")

    @property
    def interface(self) -> Interface | None:
        """The interface of the application; None if neither flag is set."""
        return "wsgi" if self.wsgi else "asgi" if self.asgi else None

    def host(self, application: object, name: str) -> Resource:
        """The resource for an application. Raises `CLIError` if the application does not have this interface."""
        interface = self.interface
        assert interface is not None
        if isinstance(application, App | Resource | Site):
            raise CLIError(
                "RW414", f"{name} is an App, Resource or Site of Ropewalk. Leave out {source_of(interface)}."
            )
        try:
            return _HOSTS[interface](application, self)
        except HostedError as error:
            other = likely_interface(application)
            if other is None and is_factory(application):
                made = f"application = {describe(application)}()"
                message = f"{name} takes no arguments. If it makes the application, call it at the top level: {made}"
                raise CLIError(error.code, message) from error
            if other is None:
                raise CLIError(error.code, f"{name}: {error.message} {error.remedy}") from error
            instead = f"{source_of(other, like=interface)} instead of {source_of(interface)}"
            message = f"{name} looks like {AN_APPLICATION[other]}. Set {instead}."
            raise CLIError(error.code, message) from error


def hosting_flags(command: Decorated) -> Decorated:
    """Add the flags that `hosting_of` reads to a command."""
    for decorate in reversed(_FLAGS):
        command = decorate(command)
    return command


def hosting_of(flags: dict[str, Any], limits: Mapping[str, float]) -> Hosting:
    """Remove the hosting flags from the flags of a command, and return them as a `Hosting`."""
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
        help="TARGET is a WSGI application, for example one made with Flask or Django.",
    ),
    flag(
        "--asgi",
        is_flag=True,
        default=Hosting.asgi,
        show_default=False,
        help="TARGET is an ASGI application, for example one made with FastAPI or Starlette.",
    ),
    flag(
        "--wsgi-threads",
        type=WholeNumber(1),
        default=Hosting.wsgi_threads,
        help="Number of threads that call a WSGI application.  [default: the reactor's 10 threads]",
    ),
)
