"""A folder of files as a resource."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ropewalk.errors import HTTPError, TreeError, check_options
from ropewalk.files.content_codings import accepted_codings
from ropewalk.files.file_fields import ENDINGS, FileFields
from ropewalk.files.listing import list_folders, listing_response
from ropewalk.files.options import FilesOptions
from ropewalk.files.served_folder import ServedFolder
from ropewalk.headers import Headers
from ropewalk.hidden_files import is_hidden
from ropewalk.negotiation import preferred
from ropewalk.open_files import OpenFile, os_errors_as_http_errors
from ropewalk.request import Request
from ropewalk.resource import Resource, redirect_to_path
from ropewalk.response import HTML, Response

_CODINGS: Final = tuple(ENDINGS)
_OF_FOUND_FILES: Final = frozenset(("cache-control", "content-disposition"))
"""Fields that the page of an error does not have: a browser that keeps a 404 for a year would never find the file."""


class Files(Resource):
    """The files of a folder and of the folders below it: `app.mount("/static", Files("public"))`.

    For the path of a folder, the folder's `index` file is sent. The path of a folder without a trailing slash is
    redirected (308), so that relative links work. Only regular files are served. Names that begin with a dot, except
    `.well-known` (RFC 8615), and symbolic links below the folder get a 404 like missing files. The kernel resolves the
    whole path below the folder (openat2), so that a concurrent change cannot lead out of it. The served folder itself
    may be a symbolic link.

    `folder` may be a list of folders: the first that has a file serves it. Raises TreeError (RW110) if a folder does
    not exist.
    """

    isLeaf = True

    def __init__(
        self,
        folder: Path | str | Iterable[Path | str],
        options: FilesOptions = FilesOptions(),  # noqa: B008 - frozen
        *,
        index: str = "index.html",
    ) -> None:
        super().__init__()
        check_options(options, FilesOptions, "RW232")
        self.folders = tuple(map(self._checked, (folder,) if isinstance(folder, Path | str) else folder))
        if not self.folders:
            raise TreeError("RW110", f"{type(self).__name__}([]) has no folder.", "Give at least one folder.")
        self.folder = self.folders[0]
        self.index = index
        self.options = options
        self._served = [ServedFolder(each, options.memory // len(self.folders)) for each in self.folders]
        self._fields = FileFields(options)

    def _checked(self, folder: Path | str) -> Path:
        path = Path(folder).absolute()
        if not path.is_dir():
            fault = "is not a folder" if path.exists() else "does not exist"
            raise TreeError("RW110", f"{type(self).__name__}({str(folder)!r}): {path} {fault}.")
        return path

    def render_GET(self, request: Request) -> Response:
        """Respond with the file at the path. Raises HTTPError 404, or 403 if the process may not read the file."""
        names = request.postpath
        if not names:
            return _redirect_to_folder(request)
        try:
            return self._found(request, names)
        except HTTPError as error:
            response = self._instead(request, names, error.status)
            if response is None:
                raise
            return response

    def _found(self, request: Request, names: list[str]) -> Response:
        *folders, name = names
        if any(is_hidden(each) for each in (*folders, name or self.index)):
            raise HTTPError(404)
        path = "/".join((*folders, name or self.index))
        found = self._open(path)
        if found is None and not name and self.options.listing:
            return self._listing(request, "/".join(folders))
        if found is None:
            raise HTTPError(404)
        served, file = found
        if file is None:
            if name:
                return _redirect_to_folder(request)
            raise HTTPError(404)  # the index is a folder
        return self._respond(request, path, served, file)

    def _open(self, path: str) -> tuple[ServedFolder, OpenFile | None] | None:
        """The file at a path, and the folder that has it. None instead of the file if there is a folder at the path.

        None if there is nothing. Raises HTTPError 403, and 404 for what is neither a file nor a folder.
        """
        for served in self._served:
            found = _find(served, path)
            if found is not None:
                return served, found if isinstance(found, OpenFile) else None
        return None

    def _respond(
        self, request: Request, path: str, served: ServedFolder, file: OpenFile, status: int = 200
    ) -> Response:
        fields = self._fields.of(path)
        lines = [line for line in fields.lines if status == 200 or line[0] not in _OF_FOUND_FILES]
        if fields.varies:
            lines.append(("vary", "Accept-Encoding"))
            for coding in accepted_codings(request.header("accept-encoding"), _CODINGS):
                sibling = _sibling(served, f"{path}{ENDINGS[coding]}", file)
                if sibling is not None:
                    file = sibling
                    lines.append(("content-encoding", coding))
                    break
        response = Response(file, status)
        response.headers = Headers.checked(lines)
        return response

    def _listing(self, request: Request, path: str) -> Response:
        opened = []
        try:
            for served in self._served:
                try:
                    with os_errors_as_http_errors():
                        opened.append(served.open_folder(path))
                except HTTPError as error:
                    if error.status != 404:
                        raise
            if not opened:
                raise HTTPError(404)
            with os_errors_as_http_errors():
                listing = list_folders(opened)
        finally:
            for each in opened:
                os.close(each)
        return listing_response(request, listing, path)

    def _instead(self, request: Request, names: list[str], status: int) -> Response | None:
        """The fallback or the error page for a path without a file. None if the options have none."""
        fallback = self.options.fallback
        if fallback is not None and status == 404 and "." not in names[-1]:
            hidden = any(each and is_hidden(each) for each in names)
            if not hidden and preferred(request.header("accept"), (HTML,)) is not None:
                found = self._open(fallback)
                if found is not None and found[1] is not None:
                    return self._respond(request, fallback, found[0], found[1])
        page = self.options.error_pages.get(status)
        if page is not None:
            found = self._open(page)
            if found is not None and found[1] is not None:
                return self._respond(request, page, found[0], found[1], status)
        return None


class _Folder:
    """Stands for a folder at a path."""


_FOLDER: Final = _Folder()


def _find(served: ServedFolder, path: str) -> OpenFile | _Folder | None:
    """The file or folder at a path; None if there is none. Raises HTTPError 403, and 404 for what is neither."""
    kept = served.find(path)
    if kept is not None:
        return kept
    try:
        with os_errors_as_http_errors():
            opened = served.open(path)
    except HTTPError as error:
        if error.status != 404:
            raise
        return None
    status = os.fstat(opened)
    if stat.S_ISDIR(status.st_mode):
        os.close(opened)
        return _FOLDER
    return served.keep(path, OpenFile(opened, status=status), status)


def _sibling(served: ServedFolder, path: str, file: OpenFile) -> OpenFile | None:
    """The compressed sibling of a file. None if there is none, or if it is older than the file."""
    try:
        sibling = _find(served, path)
    except HTTPError:
        return None
    return sibling if isinstance(sibling, OpenFile) and int(sibling.modified) >= int(file.modified) else None


def _redirect_to_folder(request: Request) -> Response:
    return redirect_to_path(f"{request.raw_path.decode('ascii').strip('/')}/", request)
