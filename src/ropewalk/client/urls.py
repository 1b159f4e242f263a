"""The URLs of calls: parse them, and put a path below the base URL of a client."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from ropewalk.client.errors import InvalidCall
from ropewalk.errors import optional_package, shown
from ropewalk.url_encoding import InvalidParameters, Parameters, encode_parameters, sent_form

_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)(?:#.*)?", re.DOTALL)
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(?::([0-9]{0,5}))?")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_MAPPED: Final = re.compile("[\xdf\u03c2\u1e9e\u200c\u200d]")
"""Characters of domains (IDNA 2008) that the older rules replace (IDNA 2003), such as \xdf by ss."""
_LONGEST_HOST: Final = 253
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_KEPT: Final = "/?:@!$&'()*+,;=-._~%[]"
"""Characters of a path or query that are sent unchanged. All others are percent-encoded."""
_SEGMENT: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class URL:
    """The URL of a call."""

    scheme: str
    """"http" or "https"."""
    host: str
    """The host name in lower case, or an IP address. IPv6 addresses are in brackets."""
    port: int
    """The port, also if it is the default."""
    target: str
    """The path and query, percent-encoded."""

    @property
    def authority(self) -> str:
        """The host, and the port unless it is the default."""
        return self.host if self.port == _DEFAULT_PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """The scheme, host and port (RFC 6454)."""
        return self.scheme, self.host, self.port

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def parse_url(text: Any) -> URL:
    """Parse an absolute URL of HTTP. The fragment is dropped. Raises InvalidCall (RW357)."""
    match = _URL.fullmatch(text) if isinstance(text, str) and text.isprintable() else None
    scheme = match[1].lower() if match else ""
    if match is None or scheme not in _DEFAULT_PORTS:
        raise InvalidCall(f"The URL {shown(text)} must be a str that begins with http:// or https://.")
    if "@" in match[2]:
        raise InvalidCall("The URL has a user or a password, which must be given with auth=.")
    found = _HOST.fullmatch(_ascii_host(match[2]))
    port = int(found[2] or _DEFAULT_PORTS[scheme]) if found else 0
    if found is None or not 0 < port < 65536:
        raise InvalidCall(f"The URL {shown(text)} has the invalid host or port {shown(match[2])}.")
    path = match[3] if match[3].startswith("/") else f"/{match[3]}"
    return URL(scheme, found[1].lower(), port, quote(path, safe=_KEPT))


def parse_base_url(text: Any) -> URL:
    """Parse a base URL. Its target is the prefix of all paths, without a slash at the end. Raises InvalidCall."""
    url = parse_url(text)
    if "?" in url.target:
        raise InvalidCall(f"The base URL {shown(text)} must not have a query.")
    return URL(url.scheme, url.host, url.port, url.target.rstrip("/"))


def find_url(
    base: URL | None,
    url: Any,
    path: Mapping[str, Any] | None,
    query: Parameters | None,
    *,
    any_origin: bool = False,
) -> URL:
    """The URL of a call. `url` is absolute, or a path below `base`.

    The values of `path` replace `{name}` in `url`. The pairs of `query` are appended. Raises InvalidCall (RW357) also
    for a URL outside the origin of `base`, so that credentials of the client are not sent elsewhere. With `any_origin`,
    every origin is allowed, and `base` is used only for paths.
    """
    if not isinstance(url, str):
        raise InvalidCall(f"The URL must be a str, not {shown(url)}.")
    if path is not None:
        url = _filled(url, path)
    if url.startswith("/") or "://" not in url.partition("?")[0]:
        found = _below(base, url)
    else:
        found = parse_url(url)
        if base is not None and not any_origin and found.origin != base.origin:
            raise InvalidCall(
                f"{found.scheme}://{found.authority} is not the origin of the client's base URL, so use another client."
            )
    try:
        pairs = "" if query is None else encode_parameters("query", query)
    except InvalidParameters as error:
        raise InvalidCall(f"{error}") from None
    if not pairs:
        return found
    mark = "&" if "?" in found.target else "?"
    return URL(found.scheme, found.host, found.port, f"{found.target}{mark}{pairs}")


def _below(base: URL | None, path: str) -> URL:
    if base is None:
        raise InvalidCall(f"{shown(path)} is not an absolute URL, and the client has no base_url.")
    path = path.partition("#")[0]
    if not path.isprintable() or path.startswith("//"):
        raise InvalidCall(f"The path {shown(path)} has control characters, or begins with two slashes.")
    if not path.startswith("/"):
        path = path if path.startswith("?") else f"/{path}" if path else ""
    segments = path.partition("?")[0].lower().replace("%2e", ".").replace("\\", "/").split("/")
    if "." in segments or ".." in segments:
        raise InvalidCall(f"The path {shown(path)} has a segment of dots, which would lead out of the base URL.")
    target = f"{base.target}{quote(path, safe=_KEPT)}"
    return URL(base.scheme, base.host, base.port, target if target.startswith("/") else f"/{target}")


def _filled(url: str, values: Mapping[str, Any]) -> str:
    def encoded(match: "re.Match[str]") -> str:
        name = match[1]
        if name not in values:
            raise InvalidCall(f"path= has no value for {{{name}}}.")
        value = values[name]
        sent = "" if value is None else sent_form(value)
        try:
            segment = quote(sent, safe="")
        except UnicodeEncodeError:
            raise InvalidCall(f"The value of {{{name}}} has half of a surrogate pair.") from None
        if segment in ("", ".", ".."):
            raise InvalidCall(f"The value {shown(value)} of {{{name}}} cannot be a segment of a path.")
        return segment

    if not isinstance(values, Mapping):
        raise InvalidCall(f"path= must be a mapping of names and values, not {shown(values)}.")
    unused = values.keys() - set(_SEGMENT.findall(url))
    if unused:
        raise InvalidCall(
            f"path= has {', '.join(sorted(map(str, unused)))}, which the URL {shown(url)} does not have in braces."
        )
    return _SEGMENT.sub(encoded, url)


def _ascii_host(authority: str) -> str:
    """A host in the ASCII form that browsers use (UTS #46), with the port; empty if the host has no such form.

    Python's codec `idna` is not used for a host with characters that the codec replaces: the result would be another
    domain.
    """
    if authority.isascii():
        return authority
    host, colon, port = authority.partition(":")
    if len(host) > _LONGEST_HOST:
        return ""
    idna = optional_package("idna", "idna", "A host name with characters beyond ASCII", extra="client", code="RW360")
    try:
        ascii_host = idna.encode(host, uts46=True).decode("ascii")
    except UnicodeError:  # the package allows only letters, but browsers allow symbols, too
        ascii_host = "" if _MAPPED.search(host) else _of_symbols(host)
    return f"{ascii_host}{colon}{port}" if _NAME.fullmatch(ascii_host) else ""


def _of_symbols(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
