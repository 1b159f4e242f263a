"""Sentences for the people who fill in a form. Problem details have other messages, for the authors of clients."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from msgspec import inspect as shapes

from ropewalk.typed.descriptions import described, plain, within
from ropewalk.typed.unprocessable_content import FieldError

FormMessages = Callable[[str, str, Any], str | None]
"""The type of `Form(messages=...)`: a function that takes the field, the rule and its limit, and returns a sentence or
None."""


class BrokenRule(NamedTuple):
    """The rule that a value violates."""

    rule: str
    """The name of the argument of `Meta`, such as "min_length"; or else the code of the error, such as "choice"."""
    limit: Any = None
    """The value of this argument, the allowed values, or the name of the type; None for other rules."""
    text: str = ""
    """The default sentence for the rule."""


_NUMBER: Final = r"`(?:int|float|decimal)` "
_RULES: Final = (
    (
        r"Expected `str` of length >= (\d+)|String should have at least (\d+) ",
        "min_length",
        "Use at least {} characters.",
    ),
    (
        r"Expected `str` of length <= (\d+)|String should have at most (\d+) ",
        "max_length",
        "Use at most {} characters.",
    ),
    (r"Expected `\w+` of length >= (\d+)|\w+ should have at least (\d+) ", "min_length", "Choose at least {}."),
    (r"Expected `\w+` of length <= (\d+)|\w+ should have at most (\d+) ", "max_length", "Choose at most {}."),
    (
        rf"Expected {_NUMBER}>= (\S+)|Input should be greater than or equal to (\S+)",
        "ge",
        "Enter a number of at least {}.",
    ),
    (rf"Expected {_NUMBER}<= (\S+)|Input should be less than or equal to (\S+)", "le", "Enter a number of at most {}."),
    (rf"Expected {_NUMBER}> (\S+)|Input should be greater than (\S+)", "gt", "Enter a number above {}."),
    (rf"Expected {_NUMBER}< (\S+)|Input should be less than (\S+)", "lt", "Enter a number below {}."),
    (
        rf"Expected {_NUMBER}that's a multiple of (\S+)|Input should be a multiple of (\S+)",
        "multiple_of",
        "Enter a multiple of {}.",
    ),
    (
        r"Expected `\w+` matching regex `(.*)`|String should match pattern '(.*)'",
        "pattern",
        "This value has the wrong format.",
    ),
)
"""Messages of msgspec and pydantic, their rules, and the sentences."""
_TYPES: Final = (
    (r"Expected a whole number|Expected `int`|Input should be a valid integer", "int", "Enter a whole number."),
    (
        r"Expected a (finite )?number|Expected `float`|Invalid decimal|Input should be a \w+ (number|decimal)",
        "float",
        "Enter a number.",
    ),
    (r"Expected true or false|Expected `bool`|Input should be a valid boolean", "bool", "Enter yes or no."),
    (r"Expected a file|Input should be an instance of UploadFile", "file", "Choose a file."),
    (r"Expected text|Input should be a valid string", "str", "Enter text."),
    (r"Expected `datetime` with|Input should have timezone", "datetime", "Enter a date and a time with a time zone."),
    (r"Invalid RFC3339 encoded datetime|Input should be a valid datetime", "datetime", "Enter a date and a time."),
    (r"Invalid RFC3339 encoded date|Input should be a valid date", "date", "Enter a date."),
    (r"Invalid RFC3339 encoded time|Input should be (in )?a valid time", "time", "Enter a time."),
)
_COMPILED: Final = tuple((re.compile(pattern, re.DOTALL), rule, text) for pattern, rule, text in _RULES)
_COMPILED_TYPES: Final = tuple((re.compile(pattern), kind, text) for pattern, kind, text in _TYPES)
_OF_CODES: Final = {
    "missing": "Fill in this field.",
    "unknown": "There is no such field.",
    "repeated": "Give only one value.",
}
_PRECISE: Final = "This value has the wrong format."


def broken_rule(error: FieldError, kind: Any) -> BrokenRule:
    """The rule that a value in a form violates, according to its error. `kind` is the type of the form. If the
    program's own check has refused the value, the sentence is the message of this check.
    """
    code, message = error.code, error.message
    if code in _OF_CODES:
        return BrokenRule(code, None, _OF_CODES[code])
    if message == "The value is empty.":
        return BrokenRule("missing", None, _OF_CODES["missing"])
    if code == "choice":
        values = _choices(error.name, kind)
        listed = ", ".join(map(str, values)) if values else message.partition("Input should be ")[2].replace("'", "")
        return BrokenRule(code, values, f"Choose one of: {listed}." if listed else "Choose one of the values.")
    if code in ("length", "range", "pattern"):
        for pattern, rule, text in _COMPILED:
            match = pattern.match(message)
            if match is not None:
                return _limited(rule, next(filter(None, match.groups()), ""), text)
    if code in ("type", "format", "range"):
        for pattern, name, text in _COMPILED_TYPES:
            if pattern.match(message):
                return BrokenRule("type", name, text)
        if message.startswith(("Expected `", "Invalid ", "Input should ")):
            return BrokenRule(code, None, _PRECISE)
    if code in ("length", "range") and message.startswith("Expected `"):
        return BrokenRule(code, None, _PRECISE)
    return BrokenRule(code, None, message)


def sentences(errors: Sequence[FieldError], kind: Any, messages: FormMessages | None) -> list[tuple[str, str]]:
    """The names of the fields with errors, and a sentence for each. `messages` may return another sentence."""
    made = []
    for error in errors:
        broken = broken_rule(error, kind)
        own = None if messages is None else messages(error.name, broken.rule, broken.limit)
        made.append((error.name, broken.text if own is None else own))
    return made


def _limited(rule: str, limit: str, text: str) -> BrokenRule:
    if rule == "pattern":
        return BrokenRule(rule, limit, text)
    limit = limit.rstrip(".").removesuffix(".0")
    number = int(limit) if re.fullmatch(r"-?\d+", limit) else float(limit)
    if rule.endswith("_length") and number == 1:
        text = _OF_CODES["missing"] if rule == "min_length" else text.replace("characters", "character")
    return BrokenRule(rule, number, text.format(limit))


def _choices(name: str, kind: Any) -> tuple[Any, ...]:
    """The allowed values of a field of a Struct or dataclass; empty if they are not known."""
    node: Any = plain(described(kind))
    found: list[Any] = []
    for field in getattr(node, "fields", ()):
        if field.encode_name == name:
            for each in within(field.type):
                if isinstance(each, shapes.LiteralType):
                    found += each.values
                elif isinstance(each, shapes.EnumType):
                    found += [member.value for member in each.cls]
    return tuple(found)
