"""Keys of stored responses: what identifies a URL, and which request fields distinguish its variants."""

import re
from collections.abc import Collection, Iterable
from typing import Final
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

from ropewalk.middleware.sender import digest
from ropewalk.request import Request

_PORTS: Final = {"http": ":80", "https": ":443"}
_ESCAPE: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = re.compile(rb"[A-Za-z0-9._~-]")
_SPACE: Final = re.compile(r"[ \t]+")
LISTS: Final = frozenset(("accept", "accept-charset", "accept-encoding", "accept-language"))
"""Request fields whose values are lists, in which white space and case do not matter."""

EVERYTHING: Final = "all"
"""The label of every response."""


def host_of(request: Request) -> str:
    """The host and port of a request, without the default port of the scheme."""
    return plain_host(request.host, request.scheme)


def plain_host(host: str, scheme: str) -> str:
    """A host and port in lower case, without the default port of the scheme."""
    if not host.islower():
        host = host.lower()
    return host.removesuffix(_PORTS.get(scheme, "")) if ":" in host else host


def path_of(raw_path: bytes) -> str:
    """A path in one spelling: percent-encoded only where it is necessary (RFC 3986, section 6.2.2)."""
    if b"%" in raw_path:
        raw_path = _ESCAPE.sub(_spelled, raw_path)
    return raw_path.decode("latin-1")


def _spelled(escape: re.Match[bytes]) -> bytes:
    octet = bytes.fromhex(escape[1].decode("ascii"))
    return octet if _UNRESERVED.fullmatch(octet) else escape[0].upper()


def chosen_query(query: bytes, chosen: Collection[str] | None, ignored: Collection[str]) -> str:
    """The query parameters that distinguish responses, sorted by name. Parameters of one name keep their order."""
    parts = [part for part in query.split(b"&") if part]
    named = [(unquote_to_bytes(part.partition(b"=")[0].replace(b"+", b" ")), part) for part in parts]
    names = {name.encode("utf-8", "surrogatepass") for name in (ignored if chosen is None else chosen)}
    kept = [(name, part) for name, part in named if (name in names) is (chosen is not None)]
    kept.sort(key=lambda each: each[0])
    return b"&".join(part for _, part in kept).decode("latin-1")


def url_key(scheme: str, host: str, path: str, query: str) -> str:
    """The key of a URL. No part of a request can have a line feed, so different URLs have different keys."""
    return f"{scheme}\n{host}\n{path}\n{query}"


def vary_names(lines: Iterable[str]) -> tuple[str, ...]:
    """The names in Vary fields, in lower case and sorted; "*" among them if any line has it."""
    return tuple(sorted({name.strip().lower() for line in lines for name in line.split(",")} - {""}))


def variant_of(request: Request, vary: tuple[str, ...]) -> str:
    """The variant that a request selects: a hash of the fields that distinguish variants (RFC 9111, section 4.1)."""
    if not vary:
        return ""
    parts: list[str] = []
    for name in vary:
        value = request.header(name)
        parts += (name, "0" if value is None else f"1{_normalised(name, value)}")
    return digest(*parts)


def _normalised(name: str, value: str) -> str:
    if name not in LISTS:
        return value.strip()
    return ",".join(_SPACE.sub("", each).lower() for each in value.split(",") if each.strip())


def labels_of(host: str, path: str) -> tuple[str, str, str]:
    """The labels of every response of a URL."""
    return EVERYTHING, path_label(path), url_label(host, path)


def path_label(path: str) -> str:
    """The label of the responses with a path, on any host."""
    return f"path {path}"


def url_label(host: str, path: str) -> str:
    """The label of the responses with a host and a path, with any scheme and query."""
    return f"url {host}\n{path}"


def tag_label(tag: str) -> str:
    """The label of the responses with a tag."""
    return f"tag {tag}"


def label_of_url(url: str) -> str | None:
    """The label for a URL such as "/rooms" or "https://example.com/rooms". None for any other text."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    path = path_of(parts.path.encode("utf-8", "surrogatepass")) if parts.path.isascii() else None
    if path is None or (path and not path.startswith("/")):
        return None
    if not parts.netloc:
        return path_label(path) if path and not parts.scheme else None
    if parts.scheme not in _PORTS:
        return None
    return url_label(plain_host(parts.netloc, parts.scheme), path or "/")


def label_of_target(request: Request, target: str) -> str | None:
    """The label for a Location or Content-Location. None if it has another origin than the request (RFC 9111, section
    4.4)."""
    try:
        parts = urlsplit(urljoin(request.url, target))
    except ValueError:
        return None
    host = plain_host(parts.netloc, parts.scheme)
    if parts.scheme != request.scheme or host != host_of(request) or not parts.path.isascii():
        return None
    return url_label(host, path_of(parts.path.encode("ascii")) or "/")
