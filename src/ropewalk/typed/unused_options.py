"""Find defaults, and options of markers, that would have no effect. They are refused when the route is registered."""

from typing import NamedTuple

from ropewalk.errors import named, shown
from ropewalk.typed.depends import Depends
from ropewalk.typed.markers import Body, Marker


class Unused(NamedTuple):
    """A part of a parameter that would have no effect."""

    what: str
    """What would have no effect: the end of a sentence that begins with the name of the parameter."""
    remedy: str


def unused_default(depends: Depends) -> Unused | None:
    """Describe the default of a parameter with this marker, if the default would never be used.

    A provider that is given as a function always exists. A provider that is given by its name may not exist.
    """
    if not callable(depends.provider):
        return None
    provider = named(depends.provider)
    remedy = "Remove the default, or write `Depends()`, which takes the default if nothing provides the name."
    return Unused(f"has a default, which is never used because {provider} provides its value", remedy)


def unused_name(marker: Marker, *, takes_whole: bool) -> Unused | None:
    """Describe the `name` of a marker, if it has no effect. `takes_whole`: the type takes all values of its part of the
    request."""
    if marker.name is None or not (takes_whole or isinstance(marker, Body)):
        return None
    marked = f"{type(marker).__name__}({shown(marker.name)})"
    part = "the whole body" if isinstance(marker, Body) else "all values of this part, each by the name of a field"
    remedy = "Remove the name. To read one member of a JSON body, use a type with a field of this name."
    if not isinstance(marker, Body):
        remedy = "Remove the name. To rename a field, use the type's own means, such as `msgspec.field(name=...)`."
    return Unused(f"has {marked}, and takes {part}", remedy)
