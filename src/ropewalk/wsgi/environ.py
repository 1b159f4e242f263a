"""The environ of a request for a WSGI application (PEP 3333, "environ Variables")."""

from os import SEEK_END
from typing import BinaryIO, Final
from urllib.parse import unquote_to_bytes

from ropewalk.request import Address, Request
from ropewalk.wsgi.application_check import Environ
from ropewalk.wsgi.file_wrapper import FileWrapper

DROPPED: Final = ""
"""The environ key that marks a field which is not passed to applications."""

_COMMON: Final = (
    "accept accept-charset accept-encoding accept-language authorization cache-control connection cookie dnt expect "
    "forwarded from if-match if-modified-since if-none-match if-range if-unmodified-since keep-alive origin pragma "
    "priority range referer sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest sec-fetch-mode sec-fetch-site "
    "sec-fetch-user sec-gpc te traceparent tracestate upgrade-insecure-requests user-agent via x-csrf-token "
    "x-csrftoken x-forwarded-for x-forwarded-host x-forwarded-proto x-real-ip x-request-id x-requested-with"
)


def server_environ(*, multithread: bool) -> Environ:
    """The environ entries that are the same for all requests to an application. `multithread`: whether calls may run at
    the same time."""
    return {
        "wsgi.version": (1, 0),
        "wsgi.multithread": multithread,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "wsgi.file_wrapper": FileWrapper,
    }


def make_environ(request: Request, server: Environ, body: BinaryIO, errors: object) -> Environ:
    """Make the environ of a request. `server` has the entries of `server_environ`. Any thread may call this."""
    raw_path = request.raw_path
    below = len(request.postpath)
    script = raw_path.rsplit(b"/", below)[0] if below else raw_path.removesuffix(b"/")
    host, port = _local(request)
    client = request.client
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": _decoded(script) if script else "",
        "PATH_INFO": _decoded(raw_path[len(script) :]),
        "QUERY_STRING": request.query_string.decode("latin-1"),
        "REQUEST_URI": request.target.decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{request.http_version}",
        "REMOTE_ADDR": client[0] if type(client) is tuple else "",
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": body,
        "wsgi.errors": errors,
        **server,
    }
    if type(client) is tuple:
        environ["REMOTE_PORT"] = str(client[1])
    if request.has_body:
        environ["CONTENT_LENGTH"] = str(_size(request, body))
    if request.host:
        environ["HTTP_HOST"] = request.host  # an absolute target overrides Host (RFC 9112, section 3.2.2)
    repeated: dict[str, list[str]] = {}
    for name, value in request.raw_headers():
        key = _KEYS.get(name)
        if key is None:
            key = _key(name)
        if not key:
            continue
        text = value.decode("latin-1")
        if key in environ:
            repeated.setdefault(key, [environ[key]]).append(text)
        else:
            environ[key] = text
    for key, lines in repeated.items():  # joining line by line would take quadratic time
        environ[key] = ("; " if key == "HTTP_COOKIE" else ", ").join(lines)
    return environ


def _key(name: bytes) -> str:
    """The environ key of a field.

    A field with an underscore in its name is dropped. Its key would be the same as the key of the field with a hyphen
    instead. A trusted proxy may set that field, so a client could forge its value.
    """
    return DROPPED if b"_" in name else f"HTTP_{name.decode('ascii').upper().replace('-', '_')}"


_KEYS: Final = {name.encode(): _key(name.encode()) for name in _COMMON.split()} | {
    b"content-type": "CONTENT_TYPE",
    b"content-length": DROPPED,  # CONTENT_LENGTH is computed from the complete body
    b"host": DROPPED,  # HTTP_HOST is set from `request.host`
    b"proxy": DROPPED,  # programs could take HTTP_PROXY for the environment variable that names a proxy (CVE-2016-5385)
    b"transfer-encoding": DROPPED,  # the body is already decoded (RFC 9112, section 7.1.3)
}


def _decoded(path: bytes) -> str:
    """A part of the path in the form that PEP 3333 requires: percent-decoded, with one character for each byte."""
    return (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1")


def _local(request: Request) -> tuple[str, str]:
    """The name and port of the local address. For a UNIX socket, they are taken from the Host field of the request."""
    server: Address = request.server
    if type(server) is tuple:
        return server[0], str(server[1])
    name, colon, port = request.host.rpartition(":")
    if not (colon and (port.isdigit() or not port)):  # there is no port: the colon may belong to an IPv6 address
        name, port = request.host, ""
    usual = "443" if request.isSecure() else "80"
    return name or "localhost", port.lstrip("0") or usual


def _size(request: Request, body: BinaryIO) -> int:
    """The length of the body in bytes. Without CONTENT_LENGTH, many applications would treat a chunked body as
    empty."""
    size: int | None = request.content_length
    if size is None:
        size = body.seek(0, SEEK_END)
        body.seek(0)
    return size
