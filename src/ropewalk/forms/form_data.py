"""The fields and the files of a form, by name."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from ropewalk.forms.spool import Spool
from ropewalk.forms.upload_file import UploadFile

Value = TypeVar("Value")


class FormValues(Mapping[str, Value], Generic[Value]):
    """Values by name. A name may have several: `values["tag"]` is the first, and `values.getlist("tag")` has all."""

    __slots__ = ("_pairs", "_values")

    def __init__(self, pairs: Iterable[tuple[str, Value]] = ()) -> None:
        self._pairs = tuple(pairs)
        self._values: dict[str, list[Value]] = {}
        for name, value in self._pairs:
            self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> Value:
        return self._values[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._values!r})"

    def getlist(self, name: str) -> list[Value]:
        """Every value of a name, in order; an empty list if it is absent."""
        return list(self._values.get(name, ()))

    def pairs(self) -> list[tuple[str, Value]]:
        """Every pair of name and value, in the order of the form."""
        return list(self._pairs)


class FormData(FormValues[str]):
    """The fields of a form as text, by name. `form["name"]` is the first value of a field, and `form.getlist("name")`
    has all of them. The files are in `form.files`, so a client cannot send a file where text is expected."""

    __slots__ = ("_spool", "files")

    files: FormValues[UploadFile]
    """The files by the names of their fields."""

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]] = (),
        files: Iterable[tuple[str, UploadFile]] = (),
        spool: Spool | None = None,
    ) -> None:
        super().__init__(pairs)
        self.files = FormValues(files)
        self._spool = spool

    def close(self) -> None:
        """Delete the content of the files. This happens by itself when the response is complete."""
        if self._spool is not None:
            self._spool.close()
