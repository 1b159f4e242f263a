"""Path patterns, such as "/users/{id:int}"."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_args, get_origin
from uuid import UUID

from ropewalk.converters import STR, Converter
from ropewalk.errors import TreeError
from ropewalk.suggest import did_you_mean
from ropewalk.typed import is_single_value


@dataclass(frozen=True, slots=True)
class Parameter:
    """A segment of a pattern that matches many values."""

    name: str
    converter: Converter


_PLAIN: Final = (str, bytes, int, float, UUID)

Pattern = tuple[str | Parameter, ...]

SEGMENT: Final = "!$&'()*+,;=:@~"
"""Special characters that are not percent-encoded in a path segment (RFC 3986, section 3.3)."""


def parse_path(path: str, converters: dict[str, Converter], taken: Mapping[str, inspect.Parameter]) -> Pattern:
    """Parse a path into its segments. The empty path has no segments. `taken` has the handler's parameters by name: the
    annotation of a parameter selects its converter if the path names none. Raises TreeError (RW101, RW102).
    """
    if not path:
        return ()
    if not path.startswith("/"):
        raise TreeError("RW101", f"{path!r} does not begin with a slash.", f"Write {f'/{path}'!r}.")
    pattern = tuple([_parse_segment(segment, path, converters, taken) for segment in path.split("/")[1:]])
    if "{" not in path:
        return pattern
    parameters = [part for part in pattern if isinstance(part, Parameter)]
    if len(parameters) == 1 and parameters[0] is pattern[-1]:
        return pattern
    if len({part.name for part in parameters}) < len(parameters):
        raise TreeError(
            "RW101", f"{path!r} has two parameters with the same name.", "Give each parameter its own name."
        )
    if any(part.converter.rest for part in parameters if part is not pattern[-1]):
        what = f"{path!r} has a segment after a parameter that takes the rest of the path."
        raise TreeError("RW101", what, "Put that parameter last, or use a converter that takes one segment.")
    return pattern


def listed(names: Iterable[str]) -> str:
    """Join names, sorted, for a message; "none" if there are none."""
    return ", ".join(sorted(names)) or "none"


def _parse_segment(
    segment: str, path: str, converters: dict[str, Converter], taken: Mapping[str, inspect.Parameter]
) -> str | Parameter:
    if not (segment.startswith("{") and segment.endswith("}")):
        if "{" in segment or "}" in segment:
            remedy = "Let the parameter match the whole segment, and split its value in the handler."
            raise TreeError("RW101", f"In {path!r}, a parameter must be a whole segment.", remedy)
        if segment.startswith("<") and segment.endswith(">"):
            kind, _, name = segment[1:-1].rpartition(":")
            ours = f"{name}:{kind}" if kind not in ("", "string") else name
            raise TreeError(
                "RW101", f"In {path!r}, {segment} is a parameter in the style of another framework.", f"Use {{{ours}}}."
            )
        return segment
    name, colon, kind = segment[1:-1].partition(":")
    if not name.isidentifier():
        remedy = "Use a Python identifier: letters, digits and underscores."
        raise TreeError("RW101", f"In {path!r}, {name!r} cannot be the name of a parameter.", remedy)
    if not colon:
        return Parameter(name, _converter_for(name, path, taken[name].annotation if name in taken else str, converters))
    if kind not in converters:
        remedy = f"{did_you_mean(kind, converters)} There are: {listed(converters)}.".lstrip()
        raise TreeError("RW102", f"In {path!r}, there is no converter {kind!r}.", remedy)
    _check_agreement(name, path, taken[name].annotation if name in taken else Any, converters[kind])
    return Parameter(name, converters[kind])


def _check_agreement(name: str, path: str, annotation: Any, converter: Converter) -> None:
    """Raise an error for an annotation that no value of the converter matches, because every request would fail."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    made = converter.makes
    if made not in _PLAIN or annotation not in _PLAIN or annotation is made or (made, annotation) == (int, float):
        return
    if made is str and converter.name == "str":
        return  # a typed handler converts the text to the annotated type
    what = f"In {path!r}, the converter {converter.name} makes {made.__name__}, but {name} is {annotation.__name__}."
    raise TreeError("RW102", what, f"Annotate it with {made.__name__}, or write {{{name}}} in the path.")


def _converter_for(name: str, path: str, annotation: Any, converters: dict[str, Converter]) -> Converter:
    if annotation in (Any, inspect.Parameter.empty):
        return converters.get("str", STR)
    for converter in converters.values():
        if annotation is converter.makes or annotation == converter.name:
            return converter
    if get_origin(annotation) is Annotated:
        return _converter_for(name, path, get_args(annotation)[0], converters)
    if is_single_value(annotation):
        return converters.get("str", STR)
    raise TreeError(
        "RW102",
        f"In {path!r}, no converter for {name} produces {getattr(annotation, '__name__', annotation)}.",
        "Annotate the parameter with int, float, str or UUID, or add a Converter of this type to app.converters.",
    )
