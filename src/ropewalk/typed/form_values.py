"""Read the fields and files of a form as raw values, according to the types that they become.

A browser leaves out what is not chosen, and sends text for everything else. So in a form:

| the browser sends | for | it is read as |
|---|---|---|
| nothing | a bool without a default: a checkbox that is not checked | false |
| nothing | a list without a default: a list of which nothing is selected | an empty list |
| `on` | a bool | true |
| an empty text | a type that does not accept text, such as `int` or `date` | nothing, so that the default applies |
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from msgspec import inspect as shapes

from ropewalk.forms import UploadFile
from ropewalk.request import Request
from ropewalk.typed.descriptions import plain, within
from ropewalk.typed.raw_values import Names, Raw, Repeated, ValuesOf

_SWITCHES: Final = {"on": "true", "off": "false", "yes": "true", "no": "false"}


class FormField(NamedTuple):
    """How a field of a form is read."""

    takes_file: bool
    takes_text: bool
    """Whether any text is valid, also an empty one."""
    is_switch: bool
    """Whether it is a bool."""
    required: bool


def form_field(node: shapes.Type, *, required: bool) -> FormField:
    """How a field of this type is read."""
    kinds = list(within(node))
    is_switch = any(isinstance(each, shapes.BoolType) for each in kinds)
    takes_text = any(isinstance(each, (shapes.StrType, shapes.AnyType)) for each in kinds)
    return FormField(any(map(is_file, kinds)), takes_text, is_switch and not takes_text, required)


def is_file(node: shapes.Type) -> bool:
    """Whether a description is that of UploadFile."""
    node = plain(node)
    return isinstance(node, shapes.CustomType) and issubclass(node.cls, UploadFile)


def form_values(fields: Mapping[str, FormField]) -> ValuesOf:
    """A function that reads the values of these fields from the form of a request. It raises Repeated."""

    def values(request: Request, names: Names) -> Raw:
        form = request.kept_form
        assert form is not None, "the form is parsed before its values are read"
        raw: Raw = {}
        repeated: list[str] = []
        for name, (field, several) in names.items():
            what = fields[field]
            given = form.given(name)
            if len(given) == 1 and not several and not what.takes_file:
                text = given[0]
                if what.takes_text or (text and not what.is_switch):  # the usual field
                    raw[field] = text
                    continue
            found: list[Any] = list(given)
            if what.takes_file or not found:
                found = [*form.files.all(name), *found]  # msgspec refuses text in place of a file, and the reverse
            if not what.takes_text and "" in found:
                found = [each for each in found if each != ""]
            if what.is_switch:
                found = [_SWITCHES.get(each, each) if isinstance(each, str) else each for each in found]
            if several:
                if found or what.required:
                    raw[field] = found
            elif len(found) > 1:
                repeated.append(name)
                raw[field] = found[0]
            elif found:
                raw[field] = found[0]
            elif what.is_switch and what.required:
                raw[field] = "false"
        if repeated:
            error = Repeated(repeated[0])
            error.more, error.raw = tuple(repeated[1:]), raw
            raise error
        return raw

    return values
