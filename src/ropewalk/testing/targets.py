"""Make the destination of a test client's request from the base URL, a path and query parameters."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urljoin

from ropewalk.errors import is_int, shown
from ropewalk.url_encoding import Parameters, encode_parameters

Address = tuple[str, int]

_URL: Final = re.compile(r"(https?)://(?:[^/?#@]*@)?([^/?#@]+)([^#]*)(?:#.*)?", re.IGNORECASE | re.DOTALL)
_SENDABLE: Final = re.compile(r"[\0-\xff]*")
_AUTHORITY: Final = re.compile(r"[^\s/?#@]+")
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_PORT: Final = re.compile(r":[0-9]*\Z")


@dataclass(frozen=True, slots=True)
class Target:
    """The destination of a request: its scheme and authority, and the target in its request line."""

    scheme: str
    authority: str
    path: str
    """The path and query, as they are sent in the request line."""

    @property
    def origin(self) -> tuple[str, str]:
        """The scheme and authority (RFC 6454), without the default port."""
        return self.scheme, self.authority.lower().removesuffix(_DEFAULT_PORTS[self.scheme])

    @property
    def url(self) -> str:
        """The full URL of the request."""
        return f"{self.scheme}://{self.authority}{self.path}"

    def redirected(self, location: str) -> "Target | None":
        """The target of a redirect to a Location (RFC 9110, section 10.2.2); None if it is not an HTTP URL."""
        try:
            return parse_url(urljoin(self.url, location))
        except ValueError:  # the Location has brackets that are not around an IPv6 address
            return None


def parse_url(url: str) -> Target | None:
    """Parse an HTTP or HTTPS URL, without user information and fragment; None for any other text."""
    match = _URL.fullmatch(url)
    if match is None:
        return None
    path = match[3] if match[3].startswith("/") else f"/{match[3]}"
    return Target(match[1].lower(), match[2], path)


def parse_base_url(url: str | None, *, secure: bool) -> Target:
    """Parse `base_url`. The path of the returned Target is the prefix for the paths of all requests. Raises ValueError
    for a wrong URL."""
    if url is None:
        return Target("https" if secure else "http", "localhost", "")
    base = parse_url(url)
    if base is None or "?" in base.path:
        raise ValueError(f"base_url must be like https://example.com or https://example.com/v1, not {shown(url)}.")
    if secure and base.scheme != "https":
        raise ValueError(f"base_url is {shown(url)} and secure is True. Begin the URL with https://.")
    return Target(base.scheme, base.authority, base.path.rstrip("/"))


def check_address(address: Any) -> Address | None:
    """Return the address of a client: None, or an IP address and a port. Raises ValueError for any other value."""
    if address is None:
        return None
    try:
        host, port = address
        ip_address(str(host))
        if isinstance(host, str) and is_int(port) and 0 <= port <= 65535:
            return host, port
    except (TypeError, ValueError):
        pass
    raise ValueError(f"address must be like ('192.0.2.1', 50000), not {shown(address)}.")


def find_target(base: Target, path: str, parameters: Parameters | str | None) -> Target:
    """The target for a path below a base URL, or for a full URL, with parameters appended to its query. Raises
    ValueError for a path or a query that cannot be sent unchanged."""
    given: object = path
    for text in (given, parameters) if isinstance(parameters, str) else (given,):
        if not isinstance(text, str) or not _SENDABLE.fullmatch(text):
            remedy = "Percent-encode it with urllib.parse.quote, or give a query as a dict with params=."
            raise ValueError(f"The path or query must be a str of Latin-1 characters, not {shown(text)}. {remedy}")
    target = parse_url(path)
    if target is None:
        between = "/" if base.path and not path.startswith("/") else ""
        target = Target(base.scheme, base.authority, f"{base.path}{between}{path}")
    query = parameters if isinstance(parameters, str) else encode_parameters("params", parameters or ())
    if not query and parameters is None:
        return target
    mark = "&" if "?" in target.path else "?"
    return Target(target.scheme, target.authority, f"{target.path}{mark}{query}")


def with_host(target: Target, host: str | None) -> Target:
    """A copy of a target whose authority is the value of a given Host field, because the server takes the origin from
    this field. If the value is invalid, the target stays unchanged."""
    if host is None or not _AUTHORITY.fullmatch(host):
        return target
    return Target(target.scheme, host, target.path)


def host_name(authority: str) -> str:
    """The host in an authority or Host field, in lower case and without the port."""
    return _PORT.sub("", authority.strip()).lower()
