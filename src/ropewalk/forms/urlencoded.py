"""Parse a form of the type `application/x-www-form-urlencoded` (WHATWG URL, section 5.1)."""

import re
from binascii import unhexlify
from collections.abc import Iterator
from typing import Final

from ropewalk._engine import urlencoded_pairs
from ropewalk.charsets import UTF_8
from ropewalk.errors import BadBody, BodyTooLarge
from ropewalk.forms.content_types import URLENCODED, codec_of
from ropewalk.forms.form_data import FormData
from ropewalk.forms.limits import FormLimits
from ropewalk.headers import content_type

_PIECE: Final = 4096
"""The number of bytes that are decoded at a time, because `re.sub` takes 20 times as much memory as the text has."""

_ESCAPES: Final = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")


def parse_urlencoded(body: bytes, field: str | None, limits: FormLimits) -> FormData:
    """Parse a whole body. `field` is the value of its Content-Type.

    Raises BodyTooLarge if it is over a limit, BadBody if it is not text, and HTTPError 415 for an unsupported charset.
    """
    if len(body) > limits.fields_limit:
        raise BodyTooLarge(f"The fields of the form are larger than {limits.fields_limit} bytes.")
    if body.count(b"&") >= limits.part_limit:
        raise BodyTooLarge(f"The form has more than {limits.part_limit} parts.")
    codec = UTF_8 if field == URLENCODED else codec_of(content_type(field)[1].get("charset"))
    if codec == UTF_8:
        parsed = urlencoded_pairs(body, limits.name_limit, limits.field_limit)
        if parsed is not None:
            return FormData.of_fields(*parsed)
    # The form has another charset, or an error, for which the following code raises the exception.
    try:
        return FormData([(name.decode(codec), value.decode(codec)) for name, value in _pairs(body, limits)])
    except UnicodeDecodeError:
        raise BadBody("The form is not text in its charset.") from None


def _pairs(body: bytes, limits: FormLimits) -> Iterator[tuple[bytes, bytes]]:
    """Yield the pairs of name and value: bytes in the charset of the form, without percent-encoding."""
    for part in body.split(b"&"):
        if not part:
            continue
        sent_name, _, sent_value = part.partition(b"=")
        name, value = _decoded(sent_name), _decoded(sent_value)
        if len(name) > limits.name_limit:
            raise BodyTooLarge(f"The name of a field is larger than {limits.name_limit} bytes.")
        if len(value) > limits.field_limit:
            raise BodyTooLarge(f"A field of the form is larger than {limits.field_limit} bytes.")
        yield name, value


def _decoded(text: bytes) -> bytes:
    """Replace plus signs by spaces, and decode percent-encoding. A percent sign without two digits is kept."""
    if b"+" in text:
        text = text.replace(b"+", b" ")
    if b"%" not in text:
        return text
    if len(text) <= _PIECE:
        return _ESCAPES.sub(_octets, text)
    return b"".join([_ESCAPES.sub(_octets, piece) for piece in _pieces(text)])


def _octets(escapes: re.Match[bytes]) -> bytes:
    # `urllib.parse.unquote_to_bytes` would do the same, but it raises and catches an exception for each percent sign
    # without two digits, so hostile texts would cost much time.
    return unhexlify(escapes[0].replace(b"%", b""))


def _pieces(text: bytes) -> Iterator[bytes]:
    """Split a text so that no percent-encoded byte is cut."""
    start = 0
    while start < len(text):
        end = start + _PIECE
        cut = text.rfind(b"%", end - 2, end)
        if cut != -1:
            end = cut
        yield text[start:end]
        start = end
