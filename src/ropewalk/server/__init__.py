"""The server: an engine in a reactor. The server accepts connections, serves them and drains them. With `listen` and
`run`, the engine itself accepts connections. A `Site` passes connections that Twisted's ports have accepted to the
engine.
"""

from ropewalk.app import ServerFunctions, register_server
from ropewalk.server.access_log_format import check_access_log
from ropewalk.server.app_listening_port import AppListeningPort, listen
from ropewalk.server.endpoint_descriptions import half_closing, tcp_endpoint
from ropewalk.server.error_log import (
    begin_logging,
    begin_logging_unless_begun,
    flush_errors,
    log_has_begun,
    write_error,
)
from ropewalk.server.log_signals import handle_log_signals
from ropewalk.server.log_targets import is_writable
from ropewalk.server.reactor_choice import install_reactor
from ropewalk.server.running import log_addresses, run, run_on_tcp
from ropewalk.server.security_warnings import security_warnings
from ropewalk.server.server import Server, app_of, limits_of, proxies_of
from ropewalk.server.service import Service
from ropewalk.server.sites import Site
from ropewalk.server.standard_streams import reserve_standard_streams
from ropewalk.server.tls_options import ClientCertificates, TLSOptions, TLSVersion, load_tls
from ropewalk.twisted_private import check

__all__ = [
    "AppListeningPort",
    "ClientCertificates",
    "Server",
    "Service",
    "Site",
    "TLSOptions",
    "TLSVersion",
    "app_of",
    "begin_logging",
    "begin_logging_unless_begun",
    "check_access_log",
    "flush_errors",
    "half_closing",
    "handle_log_signals",
    "install_reactor",
    "is_writable",
    "limits_of",
    "listen",
    "load_tls",
    "log_addresses",
    "log_has_begun",
    "proxies_of",
    "reserve_standard_streams",
    "run",
    "security_warnings",
    "tcp_endpoint",
    "write_error",
]

check("server")
register_server(ServerFunctions(listen, run_on_tcp))
