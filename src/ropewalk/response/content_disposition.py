"""The header Content-Disposition: the name under which a browser saves a file (RFC 6266)."""

import re
from typing import Final
from urllib.parse import quote

from ropewalk.errors import InvalidField, shown

_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def attachment(name: str) -> str:
    """The value that makes a browser save the body under a name, encoded as RFC 8187 defines.

    Raises InvalidField (RW304) for a name that is not a str.
    """
    given: object = name
    if not isinstance(given, str):
        raise InvalidField(f"The name of a download is {shown(given)}.", 'Give a str, such as "invoice.pdf".')
    # A name from the file system may contain bytes that are not UTF-8, which Python reads as surrogates.
    readable = _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", name)
    return f"attachment; filename*=UTF-8''{quote(readable, safe='')}"
