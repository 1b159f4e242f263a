"""A folder of files as a resource."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ropewalk.errors import HTTPError, TreeError
from ropewalk.hidden_files import is_hidden
from ropewalk.open_files import open_file, os_errors_as_http_errors
from ropewalk.request import Request
from ropewalk.resource import Resource, redirect_to_path
from ropewalk.response import Response, file_type

_FOLDER: Final = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC


class Files(Resource):
    """The files of a folder and of the folders below it: `app.mount("/static", Files("public"))`.

    For the path of a folder, the folder's `index` file is sent. The path of a folder without a trailing slash is
    redirected (308), so that relative links work. Only regular files are served. Names that begin with a dot, except
    `.well-known` (RFC 8615), and symbolic links below the folder get a 404 like missing files. Each folder on the path
    is opened separately, so that a concurrent change cannot lead out of the folder. The served folder itself may be a
    symbolic link. Raises TreeError (RW110) if the folder does not exist.
    """

    isLeaf = True

    def __init__(self, folder: Path | str, *, index: str = "index.html") -> None:
        super().__init__()
        self.folder = Path(folder).absolute()
        if not self.folder.is_dir():
            fault = "is not a folder" if self.folder.exists() else "does not exist"
            raise TreeError("RW110", f"{type(self).__name__}({str(folder)!r}): {self.folder} {fault}.")
        self.index = index

    def render_GET(self, request: Request) -> Response:
        """Respond with the file at the path. Raises HTTPError 404, or 403 if the process may not read the file."""
        if not request.postpath:
            return _redirect_to_folder(request)
        *folders, name = request.postpath
        if any(is_hidden(each) for each in (*folders, name or self.index)):
            raise HTTPError(404)
        with _opened(self.folder, folders) as folder:
            if name and _is_folder(name, folder):
                return _redirect_to_folder(request)
            name = name or self.index
            file = open_file(name, flags=os.O_NOFOLLOW, folder=folder)
        return Response(file, content_type=file_type(name))


@contextmanager
def _opened(root: Path, folders: list[str]) -> Iterator[int]:
    """Open a folder below the root, without following symbolic links, and yield its file descriptor."""
    with os_errors_as_http_errors():
        descriptor = os.open(root, _FOLDER)
    try:
        for name in folders:
            with os_errors_as_http_errors():
                inner = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def _is_folder(name: str, folder: int) -> bool:
    with os_errors_as_http_errors():
        return stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _redirect_to_folder(request: Request) -> Response:
    return redirect_to_path(f"{request.raw_path.decode('ascii').strip('/')}/", request)
