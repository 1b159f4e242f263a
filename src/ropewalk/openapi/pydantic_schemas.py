"""Make the schemas of pydantic models. If a model's schemas for input and output are equal, they share one
component."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ropewalk.openapi.component_names import are_alike, free_name, renaming

Schema = dict[str, Any]

_SUFFIXES: Final = {"input": "-Input", "output": "-Output"}
"""The suffixes that pydantic adds to a model's name if its input and output schemas may differ."""
_MODES: Final[dict[str, Any]] = {"input": "validation", "output": "serialization"}


def pydantic_schemas(
    kinds: Sequence[tuple[Any, str]], place: str, taken: Mapping[str, Schema]
) -> tuple[list[Schema], dict[str, Schema]]:
    """The schema of each type in its direction, and the components to which the schemas refer.

    A reference is `place` and the component's name. A component gets a name in `taken` only if its schema and the
    schema in `taken` are alike, as for an enum that both a query parameter and a model use.
    """
    from pydantic import TypeAdapter

    made, definitions = TypeAdapter.json_schemas(
        [(number, _MODES[direction], TypeAdapter(kind)) for number, (kind, direction) in enumerate(kinds)],
        ref_template=f"{place}{{model}}",
    )
    components: dict[str, Schema] = definitions.get("$defs", {})
    names = _names(components, place, taken)
    rename = renaming({f"{place}{old}": f"{place}{new}" for old, new in names.items()})
    found = {new: rename(components[old]) for old, new in names.items()}
    by_number = {number: rename(schema) for (number, _), schema in made.items()}
    return [by_number[number] for number in range(len(kinds))], found


def _names(components: dict[str, Schema], place: str, taken: Mapping[str, Schema]) -> dict[str, str]:
    """The name of each component, without a suffix if a model's schemas for input and output are equal."""
    equal = _equal_in_both(components, place)
    names: dict[str, str] = {}
    of_both: dict[str, str] = {}
    used = set(taken)
    for old in components:
        base = _base(old)
        name = of_both.get(base) or base if base in equal else old
        if base not in of_both and not are_alike(taken.get(name), components[old]):
            name = free_name(name, used)
        if base in equal:
            of_both[base] = name
        names[old] = name
        used.add(name)
    return names


def _equal_in_both(components: dict[str, Schema], place: str) -> set[str]:
    """The models whose input and output schemas are equal. References to other such models count as equal."""
    equal = {
        _base(old) for old in components if all(_base(old) + suffix in components for suffix in _SUFFIXES.values())
    }
    while True:
        references = {f"{place}{base}{suffix}": f"{place}{base}" for base in equal for suffix in _SUFFIXES.values()}
        rename = renaming(references)
        still = {
            base
            for base in equal
            if rename(components[base + _SUFFIXES["input"]]) == rename(components[base + _SUFFIXES["output"]])
        }
        if still == equal:
            return equal
        equal = still


def _base(name: str) -> str:
    suffix = next((each for each in _SUFFIXES.values() if name.endswith(each)), "")
    return name.removesuffix(suffix)
