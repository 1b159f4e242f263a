"""The OpenAPI document of every example is generated without an error, and is valid."""

import json
from importlib import import_module

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from tests.processes import EXAMPLES

from ropewalk import App, OpenAPI
from ropewalk.openapi import encode_document
from ropewalk.resource import as_resource

MODULES = sorted(
    ".".join(path.relative_to(EXAMPLES).with_suffix("").parts).removesuffix(".__init__")
    for path in (*EXAMPLES.glob("*.py"), *EXAMPLES.glob("*/__init__.py"), *EXAMPLES.glob("*/serve.py"))
)
NAMES = ("app", "root", "site")


def test_every_example_is_found() -> None:
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir() and path.name != "__pycache__"}
    files = {path.stem for path in EXAMPLES.glob("*.py")}
    assert {name.partition(".")[0] for name in MODULES} == folders | files


@pytest.mark.parametrize("name", MODULES)
def test_its_document(name: str) -> None:
    module = import_module(name)
    found = next(getattr(module, each) for each in NAMES if hasattr(module, each))
    options = (found.openapi if isinstance(found, App) else None) or OpenAPI(name, "1.0", ui=None)
    document = json.loads(encode_document(as_resource(found), options))
    OpenAPIV31SpecValidator(document).validate()
