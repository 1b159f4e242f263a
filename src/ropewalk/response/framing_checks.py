"""The rules for header fields that frame the body (RFC 9112, section 6): Content-Length and Transfer-Encoding.

The engine checks the same rules. They are checked here, too, so that the error is raised before middleware gets the
response. `tests/unit/calling/test_response_checks.py` checks that both checks agree.
"""

import re
from typing import Any, Final

from ropewalk.errors import InvalidField, WrongLength
from ropewalk.open_files import OpenFile
from ropewalk.request import octets

_LENGTH: Final = re.compile("0|[1-9][0-9]{0,17}")


def check_framing(lines: list[tuple[str, str]], status: int, body: Any, method: str) -> None:
    """Raises InvalidField for a field that a handler cannot set, and WrongLength for a wrong Content-Length."""
    length = None
    for name, value in lines:
        if name == "transfer-encoding":
            raise InvalidField("A handler cannot set the header transfer-encoding: the server sets it.")
        if name == "content-length":
            if not _LENGTH.fullmatch(value):
                raise InvalidField("The header content-length is not a plain number.")
            if length not in (None, value):
                raise InvalidField("The header content-length is set twice.")
            length = value
    if length is None or status in (204, 304):  # the field is omitted for 204; for 304, it has the length of a 200
        return
    if isinstance(body, bytes | str):
        size = len(octets(body))
    elif isinstance(body, OpenFile):
        size = body.size
    else:
        return
    if int(length) != size and not (method == "HEAD" and not size):
        raise WrongLength(f"The body has {size} bytes, and Content-Length says {length}.")
