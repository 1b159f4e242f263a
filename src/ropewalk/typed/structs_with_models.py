"""Convert Structs whose fields contain pydantic models, such as `Page[Room]`. Pydantic converts each of these fields
separately.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, Union, get_origin

from msgspec import NODEFAULT, UNSET, Struct, UnsetType, ValidationError, defstruct, field
from msgspec import inspect as shapes

from ropewalk.json_values import EncodedJSON, unwrapped
from ropewalk.response import to_json
from ropewalk.typed.attribute_conversion import convert_attributes, is_unset_by_default
from ropewalk.typed.descriptions import within
from ropewalk.typed.invalid_values import type_of
from ropewalk.typed.model_narrowing import narrowed_model
from ropewalk.typed.narrowing import narrowing
from ropewalk.typed.pydantic_models import has_model, is_model

Shape = Callable[[Any], Any]

_OPTIONS: Final = ("tag", "tag_field", "omit_defaults", "array_like")


class ModelField(NamedTuple):
    """A field of a Struct that contains pydantic models."""

    kind: Any
    encode: Shape
    """The function that converts the field's value to an EncodedJSON."""


def models_in_fields(node: shapes.StructType) -> list[type]:
    """The pydantic models in the fields of a Struct, without the models inside other Structs in these fields."""
    found = [part.cls for each in node.fields for part in within(each.type) if isinstance(part, shapes.CustomType)]
    return [each for each in found if is_model(each)]


def shape_struct_with_models(node: shapes.StructType, encoder_of: Callable[[Any], Shape | None]) -> Shape | None:
    """Return the function that converts a value to the JSON of a Struct with pydantic models in its fields; None if
    pydantic does not support one of these fields. The function raises ValidationError for a value that does not match.
    """
    encoded: dict[str, ModelField] = {}
    for each in node.fields:
        if has_model(each.type):
            kind = type_of(each.type)
            encode = encoder_of(kind)
            if encode is None:
                return None
            encoded[each.name] = ModelField(kind, encode)
    sent = _sent_struct(node, encoded)
    narrow = narrowing(shapes.type_info(sent))
    own: Any = get_origin(node.cls) or node.cls

    def shape(value: Any) -> EncodedJSON:
        made = convert_attributes(unwrapped(value), sent)
        if narrow is not None:
            made = narrow(made)
        parts = {name: getattr(made, name) for name in made.__struct_fields__}
        for name, part in encoded.items():
            if parts[name] is UNSET:
                continue
            json = part.encode(parts[name])
            setattr(made, name, json)
            parts[name] = narrowed_model(json.value, part.kind)
        data = to_json(made)
        try:
            return EncodedJSON(data, own(**parts), node.cls)
        except (TypeError, ValueError) as error:  # raised by the program's check in the Struct
            raise ValidationError(str(error)) from error

    return shape


def _sent_struct(node: shapes.StructType, encoded: dict[str, ModelField]) -> type[Struct]:
    """Make a Struct class with the same JSON, whose fields with pydantic models may have any value."""
    fields: list[Any] = []
    for each in node.fields:
        kind = Any if each.name in encoded else type_of(each.type)
        options: dict[str, Any] = {}
        if each.default is not NODEFAULT:
            options["default"] = each.default
        if each.default_factory is not NODEFAULT:
            options["default_factory"] = each.default_factory
        if is_unset_by_default(each):
            options["default"] = UNSET
            kind = Union[kind, UnsetType]  # noqa: UP007 - made at run time
        fields.append((each.name, kind, field(name=each.encode_name, **options)))
    config = getattr(node.cls, "__struct_config__", None) or getattr(get_origin(node.cls), "__struct_config__", None)
    options = {name: getattr(config, name) for name in _OPTIONS}
    return defstruct(str(getattr(node.cls, "__name__", "Struct")), fields, kw_only=True, **options)
