"""Parse the value of the Idempotency-Key field: a quoted string (RFC 9651), or an unquoted key, which some clients
send."""

import re
from typing import Final

from ropewalk.middleware.store_options import refusal

LONGEST_KEY: Final = 255

_QUOTED: Final = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])+)"')
"""A quoted string (RFC 9651, section 3.3.3)."""
_BARE: Final = re.compile(r"[!#-+\--:<-~]+")
"""An unquoted key, which some clients send: visible characters except quotes, commas and semicolons."""
_ESCAPED: Final = re.compile(r"\\(.)")
PATTERN: Final = f"^({_QUOTED.pattern}|{_BARE.pattern})$"
"""The pattern of a valid field value, for the OpenAPI document."""


def parse_key(lines: list[str]) -> str:
    """Parse the key in a header field: a quoted string (RFC 9651) or an unquoted key. Raises HTTPError 400."""
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
