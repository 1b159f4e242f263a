"""`FilesOptions`: the options of a folder of files."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from ropewalk.charsets import find_codec
from ropewalk.errors import InvalidField, KnownOptions, OptionError, shown
from ropewalk.headers import field_value
from ropewalk.hidden_files import is_hidden

FOREVER: Final = "public, max-age=31536000, immutable"
"""The Cache-Control of a URL with the hash of the content: browsers keep the file for a year without asking."""

_PAGES: Final = (403, 404)
_ENDING: Final = re.compile(r"\.[^./]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesOptions(KnownOptions):
    """How `Files` serves a folder. Raises HandlerError (RW230) for an invalid value.

    A pattern without a slash, such as `*.html`, is compared with the name of a file; one with a slash, such as
    `assets/*`, with its path in the folder. `*` matches any text, `?` one character, and `[abc]` one of these
    characters.
    """

    cache_control: Mapping[str, str] = field(default_factory=dict)
    """Values of Cache-Control by pattern. The first pattern that matches counts."""
    hashed_names: bool = False
    """Whether a file whose name has a hash, such as `app.3f2a9c81.js`, is kept by browsers for a year. A hash has at
    least 8 hexadecimal digits, among them a letter and a number, after a dot or a hyphen."""
    precompressed: bool = False
    """Whether `app.js.br`, `app.js.zst` or `app.js.gz` is sent for `app.js` if the client accepts this coding. A file
    that is older than `app.js` is not used."""
    listing: bool = False
    """Whether a folder without an index file has a list of its files, as HTML or JSON."""
    fallback: str | None = None
    """A file that is sent for a path without a file, such as `index.html` for an application with one page. A path
    whose last name has a dot still gets a 404."""
    error_pages: Mapping[int, str] = field(default_factory=dict)
    """Files that are the pages of errors, by status: 403 or 404."""
    downloads: Collection[str] = ()
    """Patterns of files that browsers save under their name instead of showing them (RFC 6266)."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Values of Content-Type by ending, such as `{".log": "text/plain"}`. They replace the built-in ones."""
    charset: str | None = "utf-8"
    """The charset of files whose Content-Type begins with `text/` and has none."""
    memory: int = 4 * 1024 * 1024
    """How many bytes of small files (up to 64 KiB each) are kept in memory; 0 for none. Each request checks that the
    file has not changed."""
    nosniff: bool = True
    """Whether `X-Content-Type-Options: nosniff` is sent, so that browsers do not guess another type."""

    def __post_init__(self) -> None:
        if self.memory < 0:
            raise self._wrong("memory", self.memory, "Give a number of bytes, or 0 for none.")
        for pattern, value in self.cache_control.items():
            self._check_field("cache_control", pattern, value)
        for ending, value in self.types.items():
            if not _ENDING.fullmatch(ending):
                raise self._wrong("types", ending, 'Give endings with a dot: {".log": "text/plain"}.')
            self._check_field("types", ending, value)
        for status, page in self.error_pages.items():
            if status not in _PAGES:
                raise self._wrong("error_pages", status, "Give pages for 403 or 404.")
            self._check_file("error_pages", page)
        if self.fallback is not None:
            self._check_file("fallback", self.fallback)
        charset = self.charset
        if charset is not None and (find_codec(charset) is None or charset != charset.strip()):
            raise self._wrong("charset", self.charset, 'Give the name of a charset, such as "utf-8", or None.')

    def _check_field(self, option: str, key: str, value: str) -> None:
        try:
            if key and value.isascii() and field_value(option, value).strip():
                return
        except InvalidField:
            pass
        raise self._wrong(option, value if key else key, "Give ASCII text without control characters.")

    def _check_file(self, option: str, name: str) -> None:
        if any(map(is_hidden, name.split("/"))):
            raise self._wrong(option, name, "Give the path of a file in the folder, without a slash at the start.")

    def _wrong(self, option: str, value: object, remedy: str) -> OptionError:
        return OptionError("RW230", f"FilesOptions: {option} cannot be {shown(value)}.", remedy)
