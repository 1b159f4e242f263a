"""The list of the files in a folder, as HTML or JSON."""

import os
import re
import stat
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from itertools import islice
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from ropewalk.headers import http_date
from ropewalk.hidden_files import is_hidden
from ropewalk.negotiation import preferred, vary_by_accept
from ropewalk.request import Request
from ropewalk.response import HTML, JSON, Response

LIMIT: Final = 2000
"""The maximum number of names that are read from a folder, in about 10 ms. Meanwhile, no other request is handled."""

_NUMBER: Final = re.compile(r"([0-9]+)")
_UNITS: Final = ("KiB", "MiB", "GiB", "TiB", "PiB")
_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.25rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .25rem .5rem; text-align: left; border-bottom: 1px solid #8884; }
td:first-child { overflow-wrap: anywhere; }
th:nth-child(2), td:nth-child(2) { text-align: right; white-space: nowrap; }
td:nth-child(3) { white-space: nowrap; }
a { text-decoration: none; }
a:hover, a:focus { text-decoration: underline; }
"""
_HASH: Final = b64encode(sha256(_STYLE.encode("ascii")).digest()).decode("ascii")
_FIELDS: Final = {
    "cache-control": "no-cache",
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'self'",
    "x-content-type-options": "nosniff",
}


class Entry(NamedTuple):
    """A file or a folder in the list."""

    name: str
    is_folder: bool
    size: int
    modified: float


class Listing(NamedTuple):
    """The entries of a folder, the folders first, then by name. `complete`: whether there are no more."""

    entries: list[Entry]
    complete: bool


def list_folders(descriptors: Iterable[int]) -> Listing:
    """The entries of folders that are open. An entry of a former folder hides one of the same name in a later folder.

    Hidden names, symbolic links, and names that are not UTF-8 are left out, because they cannot be requested. Raises
    OSError.
    """
    found: dict[str, Entry] = {}
    complete = True
    for descriptor in descriptors:
        with os.scandir(descriptor) as names:
            for each in islice(names, LIMIT):
                if each.name not in found and (entry := _entry(each)) is not None:
                    found[each.name] = entry
            complete = complete and next(names, None) is None
    entries = sorted(found.values(), key=lambda each: (not each.is_folder, _natural(each.name), each.name))
    return Listing(entries, complete)


def _natural(name: str) -> list[str | int]:
    """The key by which names are sorted: without case, and with numbers by their value, so that 9 is before 10."""
    return [int(part) if number % 2 else part for number, part in enumerate(_NUMBER.split(name.casefold()))]


def _entry(each: "os.DirEntry[str]") -> Entry | None:
    if is_hidden(each.name) or not _is_unicode(each.name):
        return None
    try:
        status = each.stat(follow_symlinks=False)
    except OSError:  # removed meanwhile
        return None
    is_folder = stat.S_ISDIR(status.st_mode)
    if not is_folder and not stat.S_ISREG(status.st_mode):
        return None
    return Entry(each.name, is_folder, 0 if is_folder else status.st_size, status.st_mtime)


def _is_unicode(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def listing_response(request: Request, listing: Listing, path: str) -> Response:
    """The page of a folder. `path` is the path of the folder below the resource, "" for the top."""
    if preferred(request.header("accept"), (HTML, JSON)) == JSON:
        response = Response.json(_json(listing, path), headers=_FIELDS)
    else:
        response = Response.html(_page(listing, path), headers=_FIELDS)
    vary_by_accept(response.headers)
    return response


def _json(listing: Listing, path: str) -> dict[str, Any]:
    return {
        "path": f"{path}/",
        "complete": listing.complete,
        "entries": [
            {
                "name": each.name,
                "type": "folder" if each.is_folder else "file",
                **({} if each.is_folder else {"size": each.size}),
                "modified": each.modified,
            }
            for each in listing.entries
        ],
    }


def _page(listing: Listing, path: str) -> str:
    title = escape(f"/{path}/" if path else "/")
    rows = [] if not path else ['<tr><td><a href="../">..</a></td><td></td><td></td></tr>']
    rows += map(_row, listing.entries)
    body = "\n".join(rows)
    rest = "" if listing.complete else f"<p>The folder has more than {LIMIT} names. The others are not shown.</p>\n"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        "<table>\n<thead><tr>"
        '<th scope="col">Name</th><th scope="col">Size</th><th scope="col">Changed (UTC)</th></tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table>\n{rest}</body>\n</html>\n"
    )


def _row(entry: Entry) -> str:
    slash = "/" if entry.is_folder else ""
    # Without `./`, a name such as `javascript:x` would be a URL with a scheme.
    link = f"./{quote(entry.name, safe='')}{slash}"
    size = "" if entry.is_folder else _readable(entry.size)
    name = escape(f"{entry.name}{slash}")
    return f'<tr><td><a href="{link}">{name}</a></td><td>{size}</td><td>{_date(entry.modified)}</td></tr>'


def _readable(size: int) -> str:
    """A size for people: 999 B, 1.5 KiB, 12 MiB."""
    if size < 1024:
        return f"{size} B"
    power = min((size.bit_length() - 1) // 10, len(_UNITS))
    amount = size / 1024**power
    unit = _UNITS[power - 1]
    return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:.0f} {unit}"


def _date(modified: float) -> str:
    try:
        return http_date(modified)[5:22]
    except (OverflowError, ValueError, OSError):
        return ""
