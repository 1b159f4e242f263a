"""The options of a function or class are one object with its name: `BearerJWT(BearerJWTOptions(...))`."""

import importlib
import re
from dataclasses import FrozenInstanceError, fields, is_dataclass
from pkgutil import walk_packages
from typing import Any, get_type_hints

import pytest

import ropewalk
from ropewalk.errors import KnownOptions

PACKAGES = ("asgi", "auth", "caching", "client", "databases", "files", "middleware", "sessions", "templating", "wsgi")
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
    kind: Any = exported(package)[name]
    unset: Any = object.__new__(kind)
    assert issubclass(kind, KnownOptions)  # a wrong name is RW270, with a suggestion
    assert is_dataclass(kind)
    with pytest.raises(FrozenInstanceError):
        setattr(unset, fields(kind)[0].name, None)
    assert all(field.kw_only for field in fields(kind))


SECRET = re.compile(r"secret|password|hashes|_token$|^keys?$")
"""The names of fields with secrets."""

NO_SECRETS = {"Bucket.key", "Endpoints.keys", "Position.key", "RateLimit.key"}
"""Fields that are not secrets although their names match: keys of rate limits and rows, and the URL of public keys."""


def dataclasses_of_the_package() -> dict[str, type[Any]]:
    names = [each.name for each in walk_packages(ropewalk.__path__, "ropewalk.") if not each.name.endswith("__main__")]
    values = [value for name in names for value in vars(importlib.import_module(name)).values()]
    ours = [each for each in values if isinstance(each, type) and each.__module__.startswith("ropewalk")]
    return {each.__name__: each for each in ours if is_dataclass(each)}


def test_no_repr_has_a_secret() -> None:
    found = {
        f"{name}.{field.name}": field.repr
        for name, kind in dataclasses_of_the_package().items()
        for field in fields(kind)
        if SECRET.search(field.name)
    }
    assert found.keys() > {"BearerJWTOptions.keys", "DigestAuthOptions.secret", "DigestUser.password", "Key.key"}
    assert {name for name, in_repr in found.items() if in_repr} == NO_SECRETS
