"""The header fields of a file, by its path."""

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache
from os.path import splitext
from typing import Final, NamedTuple

from ropewalk.files.options import FOREVER, FilesOptions
from ropewalk.response import file_type
from ropewalk.response.content_disposition import attachment

CACHED: Final = 1024
"""The number of files whose fields are kept."""
_HASH: Final = re.compile(r"[.-](?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{8,64}(?=\.)")
ENDINGS: Final = {"br": ".br", "zstd": ".zst", "gzip": ".gz"}
"""The endings of compressed siblings by content coding, in the order of preference."""
_COMPRESSED: Final = tuple(ENDINGS.values())
_SUFFICIENT: Final = ("image/", "video/", "audio/", "font/woff", "application/zip", "application/pdf")
"""The beginnings of media types whose content is compressed already."""


class FieldsOfFile(NamedTuple):
    """The fields of a file. `lines` are valid, with names in lower case."""

    content_type: str
    lines: tuple[tuple[str, str], ...]
    varies: bool
    """Whether the file may have compressed siblings."""


class FileFields:
    """Makes the header fields of files from the options of their folder."""

    def __init__(self, options: FilesOptions) -> None:
        self._options = options
        self._cache_control = [(_Patterns([pattern]), value) for pattern, value in options.cache_control.items()]
        self._downloads = _Patterns(options.downloads)
        self._types = {ending.lower(): value for ending, value in options.types.items()}

        self.of = lru_cache(maxsize=CACHED)(self._of)
        """Returns the fields of the file at a path, which do not depend on the request."""

    def _of(self, path: str) -> "FieldsOfFile":
        kind = self.content_type(path)
        return FieldsOfFile(kind, (("content-type", kind), *self._others(path)), self._varies(path, kind))

    def content_type(self, name: str) -> str:
        """The Content-Type of a file."""
        kind = self._types.get(splitext(name)[1].lower())  # noqa: PTH122 - a Path for every request would be slow
        if kind is None:
            kind = file_type(name).removesuffix("; charset=utf-8")
        charset = self._options.charset
        return f"{kind}; charset={charset}" if charset and kind.startswith("text/") and ";" not in kind else kind

    def _varies(self, path: str, kind: str) -> bool:
        """Whether a file may have compressed siblings."""
        if not self._options.precompressed or path.endswith(_COMPRESSED):
            return False
        return kind.startswith("image/svg") or not kind.startswith(_SUFFICIENT)

    def _others(self, path: str) -> list[tuple[str, str]]:
        fields = []
        kept = next((value for patterns, value in self._cache_control if patterns.match(path)), None)
        if kept is None and self._options.hashed_names and _HASH.search(path, path.rfind("/") + 1):
            kept = FOREVER
        if kept is not None:
            fields.append(("cache-control", kept))
        if self._options.nosniff:
            fields.append(("x-content-type-options", "nosniff"))
        if self._downloads.match(path):
            fields.append(("content-disposition", attachment(path.rpartition("/")[2])))
        return fields


class _Patterns:
    """Patterns of file names, compiled."""

    def __init__(self, patterns: Iterable[str]) -> None:
        of_names = [translate(each) for each in patterns if "/" not in each]
        of_paths = [translate(each.removeprefix("/")) for each in patterns if "/" in each]
        self._of_names = re.compile("|".join(of_names)) if of_names else None
        self._of_paths = re.compile("|".join(of_paths)) if of_paths else None

    def match(self, path: str) -> bool:
        if self._of_names is not None and self._of_names.match(path.rpartition("/")[2]):
            return True
        return self._of_paths is not None and self._of_paths.match(path) is not None
