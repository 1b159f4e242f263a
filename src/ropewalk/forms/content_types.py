"""The media types of forms, and the parameters in their Content-Type."""

import re
from typing import Final

from ropewalk.charsets import UTF_8, find_codec
from ropewalk.errors import BadBody, HTTPError
from ropewalk.headers import content_type

URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"

_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")


def boundary_of(field: str) -> str:
    """The boundary in a Content-Type (RFC 2046, section 5.1.1). Raises BadBody if it is absent, wrong or repeated."""
    boundary = content_type(field)[1].get("boundary", "")
    if _BOUNDARY.fullmatch(boundary) and field.lower().count("boundary") == 1 + boundary.lower().count("boundary"):
        return boundary
    raise BadBody("The Content-Type of the form has no valid boundary.")


def codec_of(charset: str | None) -> str:
    """The codec for a charset; UTF-8 for None. Raises HTTPError 415 if the charset is not supported."""
    codec = UTF_8 if charset is None else find_codec(charset)
    if codec is None:
        raise HTTPError(415, "The charset of the form is unknown.")
    return codec
