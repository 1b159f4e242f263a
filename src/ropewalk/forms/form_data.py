"""The fields and the files of a form, by name."""

from collections.abc import Iterable

from ropewalk.forms.spool import Spool
from ropewalk.forms.upload_file import UploadFile
from ropewalk.multi_values import MultiValues


class FormData(MultiValues[str]):
    """The fields of a form as text, by name. `form["name"]` is the first value of a field, and `form.all("name")`
    has all of them. The files are in `form.files`, so a client cannot send a file where text is expected."""

    __slots__ = ("_spool", "files")

    files: MultiValues[UploadFile]
    """The files by the names of their fields."""

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]] = (),
        files: Iterable[tuple[str, UploadFile]] = (),
        spool: Spool | None = None,
    ) -> None:
        super().__init__(pairs)
        self.files = MultiValues(files)
        self._spool = spool

    def close(self) -> None:
        """Delete the content of the files. This happens by itself when the response is complete."""
        if self._spool is not None:
            self._spool.close()
