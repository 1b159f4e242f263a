"""The options of a function or class are one object with its name: `BearerJWT(BearerJWTOptions(...))`."""

import importlib
from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import Any, get_type_hints

import pytest

PACKAGES = ("asgi", "auth", "middleware", "wsgi")
"""The packages whose functions and classes take options objects."""


def exported(package: str) -> dict[str, Any]:
    module = importlib.import_module(f"ropewalk.{package}")
    return {name: getattr(module, name) for name in module.__all__}


OBJECTS = [(package, name) for package in PACKAGES for name in exported(package) if name.endswith("Options")]


def test_options_objects_are_found() -> None:
    assert {name for _, name in OBJECTS} >= {"ASGIOptions", "BearerJWTOptions", "CORSOptions", "WSGIOptions"}


@pytest.mark.parametrize(("package", "name"), OBJECTS)
def test_the_function_or_class_of_the_same_name_takes_it(package: str, name: str) -> None:
    owner = name.removesuffix("Options").lower()
    takers = [value for each, value in exported(package).items() if each.replace("_", "").lower() == owner]
    functions = [vars(each)["__init__"] if isinstance(each, type) else each for each in takers]
    hints = [get_type_hints(each).get("options") for each in functions]
    assert any(name in str(hint) for hint in hints)


@pytest.mark.parametrize(("package", "name"), OBJECTS)
def test_it_is_a_frozen_dataclass_with_keyword_arguments(package: str, name: str) -> None:
    kind = exported(package)[name]
    unset: Any = object.__new__(kind)
    assert is_dataclass(kind)
    with pytest.raises(FrozenInstanceError):
        setattr(unset, fields(kind)[0].name, None)
    assert all(field.kw_only for field in fields(kind))
