"""The limits of a form: a body that is over one of them gets 413."""

from dataclasses import dataclass, fields
from typing import Final

from ropewalk.errors import OptionError, is_int, shown

_OPTIONAL: Final = ("body_limit", "file_limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormLimits:
    """The limits of a form. Sizes are in bytes. A form over one of them gets 413.

    A form takes at most `fields_limit`, `spool_limit` and the names of `part_limit` parts in memory.
    """

    body_limit: int | None = None
    """The limit of the whole body; None for the limit of the route or of the engine, which is 1 MiB by default."""
    part_limit: int = 1000
    """The maximum number of fields and files. PHP and Django: 1000."""
    name_limit: int = 512
    """The size of the name of a field, or of a file, in UTF-8."""
    header_limit: int = 2048
    """The size of a header line of a part. A part has at most 8 of them."""
    field_limit: int = 256 * 1024
    """The size of one field that is not a file."""
    fields_limit: int = 1024 * 1024
    """The size of all fields together that are not files. A urlencoded body has this limit, too."""
    file_limit: int | None = None
    """The size of one file; None for no limit besides that of the body."""
    spool_limit: int = 256 * 1024
    """The size of all files of a form up to which they stay in memory. Larger ones go to a temporary file."""

    def __post_init__(self) -> None:
        """Raises HandlerError (RW275) for a limit that is not a number of 0 or more."""
        for name in (each.name for each in fields(self)):
            value = getattr(self, name)
            if (name in _OPTIONAL and value is None) or (is_int(value) and value >= 0):
                continue
            more = ", or None" if name in _OPTIONAL else ""
            raise OptionError("RW275", f"FormLimits has {name}={shown(value)}.", f"Give an int of 0 or more{more}.")


DEFAULT_LIMITS: Final = FormLimits()
