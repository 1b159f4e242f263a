"""The value of the field Idempotency-Key: a string (RFC 9651), or what clients write in place of one."""

import re
from typing import Final

from ropewalk.middleware.store_options import refusal

LONGEST_KEY: Final = 255

_QUOTED: Final = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])+)"')
"""A string of RFC 9651, section 3.3.3."""
_BARE: Final = re.compile(r"[!#-+\--:<-~]+")
"""What clients send that do not write a string: visible characters without quotes, commas and semicolons."""
_ESCAPED: Final = re.compile(r"\\(.)")
PATTERN: Final = f"^({_QUOTED.pattern}|{_BARE.pattern})$"
"""For the description of the API."""


def parse_key(lines: list[str]) -> str:
    """The key in a header field: a string (RFC 9651), or visible characters without quotes. Raises HTTPError 400."""
    written = lines[0].strip(" \t")
    quoted = _QUOTED.fullmatch(written)
    if len(lines) == 1 and len(written) <= LONGEST_KEY:
        if quoted:
            return _ESCAPED.sub(r"\1", quoted[1])
        if _BARE.fullmatch(written):
            return written
    raise refusal(
        400, f'The idempotency key must be one string in quotes, such as "8e03978e", of up to {LONGEST_KEY} characters.'
    )
