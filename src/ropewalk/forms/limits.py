"""The limits of a form: a body that is over one of them gets 413."""

from dataclasses import dataclass, fields
from typing import Final

from ropewalk.errors import KnownOptions, OptionError, is_int, shown

_OPTIONAL: Final = ("body_limit", "file_limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormLimits(KnownOptions):
    """The limits of a form. Sizes are in bytes. A form over one of them gets 413.

    A form takes this much memory at most: `fields_limit` bytes, `spool_limit` bytes, and the names of `part_limit`
    parts.
    """

    body_limit: int | None = None
    """The limit of the whole body; None for the limit of the route or of the engine, which is 1 MiB by default."""
    part_limit: int = 1000
    """The maximum number of fields and files. PHP and Django: 1000."""
    name_limit: int = 512
    """The maximum size of the name of a field or a file, in bytes of UTF-8."""
    header_limit: int = 2048
    """The maximum size of a header line of a part, in bytes. A part has at most 8 header lines."""
    field_limit: int = 256 * 1024
    """The maximum size of one field that is not a file, in bytes."""
    fields_limit: int = 1024 * 1024
    """The maximum total size of all fields that are not files, in bytes. A urlencoded body has the same limit."""
    file_limit: int | None = None
    """The maximum size of one file, in bytes. None: only `body_limit` limits it."""
    spool_limit: int = 256 * 1024
    """The maximum total size of files in memory, in bytes. If the files of a form are larger, they go to a temporary
    file.
    """

    def __post_init__(self) -> None:
        """Raises HandlerError (RW275) for a limit that is not a number of 0 or more."""
        for name in (each.name for each in fields(self)):
            value = getattr(self, name)
            if (name in _OPTIONAL and value is None) or (is_int(value) and value >= 0):
                continue
            more = ", or None" if name in _OPTIONAL else ""
            raise OptionError("RW275", f"FormLimits has {name}={shown(value)}.", f"Give an int of 0 or more{more}.")


DEFAULT_LIMITS: Final = FormLimits()
