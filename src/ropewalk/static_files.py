"""`Static`: the files of a site, with URLs that change with their content, so that browsers keep them for a year."""

import os
import re
import stat
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote
from weakref import WeakKeyDictionary

from ropewalk.files import FOREVER, Files, FilesOptions
from ropewalk.hidden_files import is_hidden
from ropewalk.open_files import OpenFile, version_of
from ropewalk.open_files import Version as FileVersion
from ropewalk.request import Request
from ropewalk.resource import Resource
from ropewalk.response import Response
from ropewalk.suggest import did_you_mean

REVALIDATED: Final = "no-cache"
"""The Cache-Control of a URL without a hash: browsers ask each time whether the file has changed."""
HASHED_SIZE: Final = 4 * 1024 * 1024
"""The size in bytes up to which a file's content is hashed, in a few milliseconds and once for each version. A larger
file is identified by its size and the time of its last change."""

_HASHED: Final = re.compile(r"(.+)\.([0-9a-f]{12})(\.[^.]*)?\Z", re.DOTALL)


class Version(NamedTuple):
    """The version of a file. `known_by` has the values that change if the file changes: its time, size and inode."""

    known_by: FileVersion
    digest: str


class Static(Files):
    """The files of a site: `app.mount("/static", Static(Path(__file__).parent / "static"))`.

    Templates make the URLs with `static_url("css/site.css")`: `/static/css/site.3f2a9c81b0d4.css`. Such a URL has the
    hash of the content, and browsers keep the response for a year. Under its own name, a file is revalidated at each
    use, with an ETag. The hash of a former version leads to the current version, which is then revalidated. In all
    other respects, Static is like Files. Raises TreeError (RW110) if the folder does not exist.
    """

    def __init__(
        self,
        folder: Path | str,
        options: FilesOptions = FilesOptions(),  # noqa: B008 - frozen
        *,
        index: str = "index.html",
    ) -> None:
        super().__init__(folder, options, index=index)
        self._versions: dict[str, Version] = {}

    def name_with_hash(self, name: str) -> str | None:
        """The name of a file with the hash of its content: `css/site.3f2a9c81b0d4.css`. None if there is no such file.

        `name` is relative to the folder, with slashes.
        """
        version = self._version(name)
        if version is None:
            return None
        folder, slash, last = name.rpartition("/")
        stem, dot, ending = last.rpartition(".") if "." in last[1:] else (last, "", "")
        return f"{folder}{slash}{stem}.{version.digest}{dot}{ending}"

    def names(self) -> Iterator[str]:
        """The names of all files that may be served, for messages."""
        for folder, folders, files in os.walk(self.folder):
            folders[:] = [each for each in folders if not is_hidden(each)]
            for file in files:
                path = Path(folder) / file
                if not is_hidden(file) and not path.is_symlink():
                    yield path.relative_to(self.folder).as_posix()

    def render_GET(self, request: Request) -> Response:
        """Respond with the file at the path, under its own name or a name with a hash."""
        segments = request.postpath
        digest = None
        if segments and (found := _HASHED.match(segments[-1])) and self._version("/".join(segments)) is None:
            original = [*segments[:-1], f"{found[1]}{found[3] or ''}"]
            if self._version("/".join(original)) is not None:
                digest = found[2]
                segments = original
                request.set_paths([*request.prepath], segments)
        response = super().render_GET(request)
        file = response.body
        if response.status != 200 or not isinstance(file, OpenFile):
            return response
        name = "/".join(segments) if segments[-1] else "/".join([*segments[:-1], self.index])
        version = self._version(name)
        coding = response.headers.get("content-encoding")
        if version is None or (coding is None and version.known_by != file.version):
            # The file was removed or replaced meanwhile, or it is the fallback. The open file can still be sent.
            response.headers.setdefault("cache-control", REVALIDATED)
            return response
        response.headers["etag"] = f'"{version.digest}{f"-{coding}" if coding else ""}"'
        if digest == version.digest:
            response.headers["cache-control"] = FOREVER
        else:
            response.headers.setdefault("cache-control", REVALIDATED)
        return response

    def _version(self, name: str) -> Version | None:
        """The version of a file; None if there is none that may be served."""
        if any(is_hidden(part) for part in name.split("/")):
            return None
        path = self.folder / name
        try:
            status = path.lstat()
            known = self._versions.get(name)
            known_by = version_of(status)
            if known is not None and known.known_by == known_by:
                return known
            if not stat.S_ISREG(status.st_mode):
                return None
            version = Version(known_by, _digest(path, known_by))
        except (OSError, ValueError):
            return None
        self._versions[name] = version
        return version


def _digest(path: Path, known_by: FileVersion) -> str:
    if known_by[1] > HASHED_SIZE:
        return blake2b(repr(known_by[:2]).encode(), digest_size=6).hexdigest()
    return blake2b(path.read_bytes(), digest_size=6).hexdigest()


class StaticPlaces:
    """Where the Static resources of an app are mounted. They are searched again after the tree has changed."""

    def __init__(self) -> None:
        self._found: list[tuple[str, Static]] | None = None

    def changed(self, seen: set[int]) -> None:
        """Called when the tree changes."""
        del seen
        self._found = None

    def of(self, root: Resource) -> list[tuple[str, Static]]:
        """The paths of the Static resources in a tree, and the resources."""
        if self._found is None:
            self._found = list(_static_below(root, "", set()))
        return self._found


_places: Final[WeakKeyDictionary[Any, StaticPlaces]] = WeakKeyDictionary()
"""The places of each app that has rendered a static URL."""


def static_url_in(app: Any, name: str) -> str:
    """The path of a file of a Static resource in an app's tree, with the hash of its content.

    The first resource, by path, that has the file is used. Raises LookupError with what is wrong and a remedy.
    """
    places = _places.get(app)
    if places is None:
        places = _places[app] = StaticPlaces()
        app.watch(places)
    found = places.of(app.resource)
    for path, static in found:
        hashed = static.name_with_hash(name)
        if hashed is not None:
            return f"{path}/{quote(hashed)}"
    if not found:
        raise LookupError("but the app has no Static resource.", 'Write `app.mount("/static", Static("static"))`.')
    folders = ", ".join(str(static.folder) for _, static in found)
    remedy = did_you_mean(name, {each for _, static in found for each in static.names()}).lstrip()
    raise LookupError(f"but there is no such file in {folders}.", remedy or "Add the file, or correct its name.")


def _static_below(resource: Resource, path: str, seen: set[int]) -> Iterator[tuple[str, Static]]:
    if id(resource) in seen:
        return
    seen.add(id(resource))
    if isinstance(resource, Static):
        yield path, resource
    node = resource.tree_node
    if node.mounted is not None:
        yield from _static_below(node.mounted, path, seen)
    for name, child in sorted(node.children.items()):
        yield from _static_below(child, f"{path}/{quote(name)}", seen)
