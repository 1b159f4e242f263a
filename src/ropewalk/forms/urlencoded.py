"""Parse a form of the type `application/x-www-form-urlencoded` (WHATWG URL, section 5.1)."""

from urllib.parse import parse_qsl

from ropewalk.errors import BadBody, BodyTooLarge
from ropewalk.forms.content_types import codec_of
from ropewalk.forms.form_data import FormData
from ropewalk.forms.limits import FormLimits
from ropewalk.headers import content_type


def parse_urlencoded(body: bytes, field: str | None, limits: FormLimits) -> FormData:
    """Parse a whole body with this Content-Type.

    Raises BodyTooLarge if it is over a limit, BadBody if it is not text, and HTTPError 415 for an unsupported charset.
    """
    if len(body) > limits.fields_limit:
        raise BodyTooLarge(f"The fields of the form are larger than {limits.fields_limit} bytes.")
    if not body:
        return FormData()
    if body.count(b"&") + 1 > limits.part_limit:
        raise BodyTooLarge(f"The form has more than {limits.part_limit} parts.")
    codec = codec_of(content_type(field)[1].get("charset"))
    try:
        pairs = parse_qsl(body.decode(codec), keep_blank_values=True, encoding=codec, errors="strict")
    except UnicodeDecodeError:
        raise BadBody("The form is not text in its charset.") from None
    for name, value in pairs:
        if len(name) > limits.name_limit:
            raise BodyTooLarge(f"The name of a field is larger than {limits.name_limit} bytes.")
        if len(value) > limits.field_limit:
            raise BodyTooLarge(f"A field of the form is larger than {limits.field_limit} bytes.")
    return FormData(pairs)
