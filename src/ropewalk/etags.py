"""Entity tags, which name the versions of a resource (RFC 9110, section 8.8.3)."""

import re
from hashlib import blake2b
from typing import Any, Final

import msgspec

from ropewalk.errors import HandlerError, InvalidField, full_name, shown
from ropewalk.json_values import EncodedJSON, model_json

_TAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')


def etag(value: Any, *, weak: bool = False) -> str:
    """The entity tag of a value, such as '"3f2a..."'. Equal values have equal tags, in every process.

    `value` is bytes, str, a pydantic model, or anything that msgspec encodes as JSON: a version number, a dict, a
    Struct, a dataclass. The middleware `conditional` gives a response with this value the same tag. Equal weak tags
    mean that two versions have the same content, though their bytes may differ. Raises HandlerError (RW212) for a value
    that cannot be encoded.
    """
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogatepass")
    if not isinstance(value, bytes):
        try:
            value = msgspec.json.encode(value, order="deterministic", enc_hook=_encode_model)
        except (TypeError, ValueError, RecursionError) as error:
            what = f"etag() was given {shown(value)}, of type {full_name(type(value))}: {error}."
            raise HandlerError("RW212", what) from error
    return digest_tag(value, weak=weak)


def _encode_model(value: Any) -> msgspec.Raw:
    """The JSON of a pydantic model. msgspec calls this for a type that it does not support.

    Raises TypeError for any other value.
    """
    if isinstance(value, EncodedJSON):
        return msgspec.Raw(value.data)
    model = model_json(value)
    if model is None:
        raise TypeError("it cannot be encoded as JSON")
    return msgspec.Raw(model)


def digest_tag(*parts: bytes, weak: bool = False) -> str:
    """The entity tag for the concatenation of `parts`."""
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return f'{"W/" if weak else ""}"{digest.hexdigest()}"'


def is_etag(tag: str) -> bool:
    """Whether a str is an entity tag in the form of an ETag field, with quotes."""
    return _TAG.fullmatch(tag) is not None


def check_etag(tag: object) -> None:
    """Raises InvalidField (RW304) unless the value is an entity tag or None."""
    if tag is not None and not (isinstance(tag, str) and is_etag(tag)):
        raise InvalidField(f"{shown(tag)} is not an entity tag.", "Make it with `etag(value)`, or put it into quotes.")


def has_weak_form(field: str, current: str | None) -> bool:
    """Whether an If-Match field has the weak form of a strong tag. The engine sends it with a compressed body, whose
    bytes differ from those of the version that the tag names."""
    return current is not None and current.startswith('"') and f"W/{current}" in _TAG.findall(field)


def matches(field: str, current: str | None, *, weak: bool) -> bool:
    """Whether an If-Match or If-None-Match field contains the current tag. "*" matches every `current` tag except None,
    which means that the resource does not exist.

    `weak` selects weak comparison (RFC 9110, section 8.8.3.2). Text that is not an entity tag matches nothing.
    """
    if current is None:
        return False
    if field.strip() == "*":
        return True
    if weak:
        plain = current.removeprefix("W/")
        return any(tag.removeprefix("W/") == plain for tag in _TAG.findall(field))
    return not current.startswith("W/") and current in _TAG.findall(field)
