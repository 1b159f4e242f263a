"""The fields and the files of a form, by name."""

from collections.abc import Iterable
from typing import Final, Self

from ropewalk.forms.temporary_files import Spool
from ropewalk.forms.upload_file import UploadFile
from ropewalk.multi_values import MultiValues

_NO_FILES: Final[MultiValues[UploadFile]] = MultiValues()


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

    @classmethod
    def of_fields(cls, pairs: tuple[tuple[str, str], ...], values: dict[str, list[str]]) -> Self:
        """A form without files. The engine has parsed it: `pairs` are its names and values, and `values` has the same
        by name.
        """
        form = cls.__new__(cls)
        form._pairs = pairs  # noqa: SLF001 - an object of this class
        form._values = values  # noqa: SLF001 - as above
        form.files = _NO_FILES
        form._spool = None  # noqa: SLF001 - as above
        return form

    def close(self) -> None:
        """Delete the content of the files. This happens by itself when the response is complete."""
        if self._spool is not None:
            self._spool.close()
