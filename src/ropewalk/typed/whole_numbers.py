"""JSON in which a client has written integers with a fraction of zero, such as `2.0`, or an exponent.

To JSON Schema, and to encoders that have one type of number, they are integers (JSON Schema 2020-12, section 6.1.1 of
the validation vocabulary). msgspec takes them for floats.
"""

import re
from typing import Final

_STRING_OR_NUMBER: Final = re.compile(
    rb'"(?:[^"\\]|\\.?)*+(?:"|\Z)|(?P<whole>-?\d++)(?P<fraction>\.\d++)?+(?P<exponent>[eE][+-]?\d++)?+', re.DOTALL
)
"""It takes all of an unterminated string, and all digits of a number, so that each byte is read once."""


def with_plain_integers(body: bytes) -> bytes:
    """The JSON with such numbers as plain integers; the same object if there are none."""
    found = _STRING_OR_NUMBER.sub(_plain_integer, body)
    return body if found == body else found


def _plain_integer(found: re.Match[bytes]) -> bytes:
    whole, fraction, exponent = found.group("whole", "fraction", "exponent")
    if fraction is None and exponent is None:
        return found[0]
    if exponent is None:
        return bytes(whole) if not fraction.strip(b".0") else found[0]
    number = float(found[0])
    return b"%d" % int(number) if number.is_integer() else found[0]
