"""A folder of files as a resource."""

import os
import stat
from pathlib import Path

from ropewalk.errors import HTTPError, TreeError
from ropewalk.files.served_folder import ServedFolder
from ropewalk.hidden_files import is_hidden
from ropewalk.open_files import OpenFile, os_errors_as_http_errors
from ropewalk.request import Request
from ropewalk.resource import Resource, redirect_to_path
from ropewalk.response import Response, file_type


class Files(Resource):
    """The files of a folder and of the folders below it: `app.mount("/static", Files("public"))`.

    For the path of a folder, the folder's `index` file is sent. The path of a folder without a trailing slash is
    redirected (308), so that relative links work. Only regular files are served. Names that begin with a dot, except
    `.well-known` (RFC 8615), and symbolic links below the folder get a 404 like missing files. The kernel resolves the
    whole path below the folder (openat2), so that a concurrent change cannot lead out of it. The served folder itself
    may be a symbolic link. Raises TreeError (RW110) if the folder does not exist.
    """

    isLeaf = True

    def __init__(self, folder: Path | str, *, index: str = "index.html") -> None:
        super().__init__()
        self.folder = Path(folder).absolute()
        if not self.folder.is_dir():
            fault = "is not a folder" if self.folder.exists() else "does not exist"
            raise TreeError("RW110", f"{type(self).__name__}({str(folder)!r}): {self.folder} {fault}.")
        self.index = index
        self._served = ServedFolder(self.folder)

    def render_GET(self, request: Request) -> Response:
        """Respond with the file at the path. Raises HTTPError 404, or 403 if the process may not read the file."""
        if not request.postpath:
            return _redirect_to_folder(request)
        *folders, name = request.postpath
        if any(is_hidden(each) for each in (*folders, name or self.index)):
            raise HTTPError(404)
        path = "/".join((*folders, name or self.index))
        with os_errors_as_http_errors():
            opened = self._served.open(path)
        status = os.fstat(opened)
        if name and stat.S_ISDIR(status.st_mode):
            os.close(opened)
            return _redirect_to_folder(request)
        return Response(OpenFile(opened, status=status), content_type=file_type(name or self.index))


def _redirect_to_folder(request: Request) -> Response:
    return redirect_to_path(f"{request.raw_path.decode('ascii').strip('/')}/", request)
