"""The command `ropewalk check TARGET`."""

from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.text import Text

from ropewalk import Limits
from ropewalk.cli.banner import print_cautions
from ropewalk.cli.columns import columns
from ropewalk.cli.flags import ENVIRONMENT, FLAG, SETTINGS, Command, target_argument
from ropewalk.cli.hosting import Hosting, hosting_flags, hosting_of
from ropewalk.cli.lifespan import try_lifespan
from ropewalk.cli.limits import LIMIT_ORIGINS
from ropewalk.cli.missing_packages import missing_packages
from ropewalk.cli.route_table import route_rows
from ropewalk.cli.serving import Serving, failing, serving_flags
from ropewalk.cli.start_checks import check_certificate, check_endpoints, check_file, settings_without_effect
from ropewalk.cli.target import LoadedTarget, load_target
from ropewalk.server import app_of, install_reactor, security_warnings
from ropewalk.server.https_redirects import redirect_endpoint
from ropewalk.typed import app_scoped_below

PROXIES = ("trusted_proxy", "proxy_headers", "proxy_host", "proxy_protocol")

HOSTING = ("wsgi", "asgi", "wsgi_threads")
"""Hosting settings. They are shown only if they are set."""

TLS = (
    *("tls_certificate", "tls_key", "tls_minimum_version", "tls_self_signed", "tls_local_authority"),
    *("tls_client_ca", "tls_client_certificates", "redirect_http", "redirect_target_port"),
)
"""Settings for HTTPS. They are shown only if HTTPS is served."""

LOGS = ("log_format", "log_redact", "access_log_template", "access_log_fields")
"""Settings of the logs. They are shown only if they are set."""

SHOWN = ("target", *HOSTING, "host", "port", "listen", *TLS, "access_log", "access_log_file", "log_level", *LOGS)


@click.command(cls=Command)
@target_argument
@hosting_flags
@serving_flags
@click.pass_context
def check(context: click.Context, /, target: str, **flags: Any) -> None:
    """Check whether TARGET can be served, and print its settings, without serving it.

    Takes the flags of `ropewalk run`. The exit code is 2 if TARGET cannot be served. The command resolves hosts, checks
    the folders of sockets and of the access log, and starts and stops an ASGI application. It prints a note if a port
    is in use, because this may be the server that you want to replace. It warns about settings that are less safe than
    the defaults: a disabled limit, trust in every proxy, debug=True, a TLS certificate that has expired.
    """
    install_reactor()
    hosting = hosting_of(flags, flags["limits"])
    found = load_target(target, hosting)
    options = Serving(**flags)
    console = Console(soft_wrap=True)
    with failing(options):
        console.print(_settings(context, found, hosting, options))
        options.logs()
        remarks = settings_without_effect(context) + check_endpoints(options.endpoints())
        if options.access_log != "off" and options.access_log_file is not None:
            check_file(options.access_log_file)
        app = app_of(found.value)
        app_scoped_below(app)  # raises HandlerError for a dependency without a provider
        if hosting.asgi:
            remarks += try_lifespan(app)
        proxies = options.proxies_of(found.value)
        tls = options.tls()
        certificate = None if tls is None else check_certificate(tls, options.endpoints(), proxies)
        if certificate is not None and options.redirect_http is not None:
            remarks += check_endpoints([redirect_endpoint(options.redirect_http, options.host)])
        less_safe = security_warnings(options.limits_of(found.value), proxies, app.debug, certificate)
        print_cautions(console, [*remarks, *missing_packages(app), *less_safe])
    count = len(route_rows(found.value))
    routes = "1 route" if count == 1 else f"{count} routes"
    console.print(f"[green]{found.name} can be served: {routes}.[/]", highlight=False)


def _settings(context: click.Context, found: LoadedTarget, hosting: Hosting, options: Serving) -> Text:
    """The table of settings, with their values and sources."""
    values = {"target": found.name} | vars(hosting) | vars(options)
    unset = ("host", "port") if options.listen else ()
    hidden = {*unset, *(name for name in HOSTING if not values[name])}
    hidden |= {name for name in TLS if options.tls() is None or not values[name]}
    if options.tls_client_ca is None:
        hidden.add("tls_client_certificates")
    hidden |= {name for name in LOGS if values[name] == getattr(Serving, name)}
    shown = [name for name in SHOWN if name not in hidden]
    settings = [(name, _shown(values[name]), _origin(context, name)) for name in shown]
    proxies = options.proxies_of(found.value)
    if proxies is not None:
        trust = (proxies.addresses, proxies.headers, proxies.host, proxies.proxy_protocol)
        for name, value in zip(PROXIES, trust, strict=True):
            settings.append((name, _shown(value), _origin(context, name) if options.trusted_proxy else "app"))
    limits = options.limits_of(found.value)
    origins = context.meta[LIMIT_ORIGINS]
    for name in Limits.names:
        value = getattr(limits, name)
        if name in origins or value != getattr(Limits(), name):
            settings.append((f"limits.{name}", f"{value:.15g}", origins.get(name, "app")))
    return columns(settings, ("cyan", "", "dim"))


def _shown(value: object) -> str:
    """Format a value as a user writes it. An empty value is a dash."""
    if isinstance(value, tuple | list):
        return " ".join(value) or "-"
    if isinstance(value, bool):
        return f"{value}".lower()
    return "-" if value is None else f"{value}"


def _origin(context: click.Context, name: str) -> str:
    match context.get_parameter_source(name):
        case ParameterSource.COMMANDLINE:
            return FLAG
        case ParameterSource.ENVIRONMENT:
            return ENVIRONMENT
        case ParameterSource.DEFAULT_MAP:
            return f"{context.meta[SETTINGS].source}"
        case _:
            return "default"
