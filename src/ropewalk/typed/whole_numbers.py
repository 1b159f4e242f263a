"""Accept integers that a client writes with a fraction of zero, such as `2.0`, or with an exponent.

In JSON Schema, such numbers are integers (2020-12, section 6.1.1 of the validation vocabulary), and encoders in
languages with only one number type write them. msgspec decodes them as floats.
"""

import re
from typing import Final

_STRING_OR_NUMBER: Final = re.compile(
    rb'"(?:[^"\\]|\\.?)*+(?:"|\Z)|(?P<whole>-?\d++)(?P<fraction>\.\d++)?+(?P<exponent>[eE][+-]?\d++)?+', re.DOTALL
)
"""The pattern also matches a string without an end, up to the end of the body, and always all digits of a number. So
each byte is read only once, and a hostile body costs little time.
"""


def with_plain_integers(body: bytes) -> bytes:
    """Return the JSON with numbers such as `2.0` written as plain integers. Without such numbers, return the same
    object."""
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
