"""One rule for the options of all middleware: `cors(CORSOptions(...))`."""

import ast
import inspect
import pkgutil
import re
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, fields, is_dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from ropewalk import App, middleware
from ropewalk.errors import HandlerError
from ropewalk.middleware import (
    BodyLimitOptions,
    IdempotencyOptions,
    RateLimit,
    RateLimitOptions,
    body_limit,
    idempotency,
    rate_limit,
)
from ropewalk.testing import Client

FACTORIES: dict[str, Callable[..., Any]] = {
    module.name: getattr(middleware, module.name)
    for module in pkgutil.iter_modules(middleware.__path__)
    if inspect.isfunction(getattr(middleware, module.name, None))
}
"""The functions that make middleware. Each has a module of its own name."""

REFERENCE = (Path(__file__).parents[3] / "docs" / "reference" / "middleware.md").read_text(encoding="utf-8")

each_factory = pytest.mark.parametrize("name", sorted(FACTORIES))


def options_of(name: str) -> Any:
    return get_type_hints(FACTORIES[name])["options"]


def documented_fields(kind: type) -> set[str]:
    """The fields of a class that have a docstring below them."""
    tree = ast.parse(inspect.getsource(inspect.getmodule(kind) or middleware))
    body = next(each.body for each in tree.body if isinstance(each, ast.ClassDef) and each.name == kind.__name__)
    return {
        field.target.id
        for field, after in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
    }


def test_the_functions_are_found() -> None:
    assert {"cors", "rate_limit", "security_headers", "idempotency"} <= set(FACTORIES)


@each_factory
def test_a_function_takes_one_object_of_its_own_name(name: str) -> None:
    assert list(inspect.signature(FACTORIES[name]).parameters) == ["options"]
    assert options_of(name).__name__.lower() == f"{name.replace('_', '')}options"
    assert options_of(name) is getattr(middleware, options_of(name).__name__)


@each_factory
def test_the_object_is_a_frozen_dataclass_with_keyword_arguments(name: str) -> None:
    kind = options_of(name)
    unset: Any = object.__new__(kind)
    assert is_dataclass(kind)
    assert all(field.kw_only for field in fields(kind))
    with pytest.raises(FrozenInstanceError):
        setattr(unset, fields(kind)[0].name, None)
    assert not hasattr(unset, "__dict__")  # a misspelt attribute is an error


@each_factory
def test_every_field_documents_itself(name: str) -> None:
    kind = options_of(name)
    names = {field.name for field in fields(kind)}
    assert documented_fields(kind) == names
    _, _, entry = REFERENCE.partition(f".. autoclass:: ropewalk.middleware.{kind.__name__}")
    members = entry.partition(":members: ")[2].partition("\n")[0]
    assert sorted(members.split(", ")) == sorted(names)


@each_factory
def test_the_object_may_be_left_out_if_every_field_has_a_default(name: str) -> None:
    needed = any(field.default is MISSING and field.default_factory is MISSING for field in fields(options_of(name)))
    default = inspect.signature(FACTORIES[name]).parameters["options"].default
    assert (default is inspect.Parameter.empty) == needed
    if not needed:
        assert FACTORIES[name]()


@each_factory
def test_another_argument_is_an_error_that_names_the_object(name: str) -> None:
    with pytest.raises(HandlerError, match=rf"RW232 .*{options_of(name).__name__}\(\.\.\.\)"):
        FACTORIES[name]({"body_limit": 5})


def test_every_options_object_belongs_to_a_function() -> None:
    exported = {name for name in middleware.__all__ if name.endswith("Options")}
    assert exported == {options_of(name).__name__ for name in FACTORIES}


@pytest.mark.parametrize(
    ("make", "options"),
    [(rate_limit, RateLimitOptions(limits=RateLimit(1, 60))), (idempotency, IdempotencyOptions(methods=["GET"]))],
)
def test_two_middlewares_of_one_object_share_no_memory(make: Callable[..., Any], options: Any) -> None:
    apps = App(middleware=[make(options)]), App(middleware=[make(options)])
    for number, app in enumerate(apps):
        app.get("/")(lambda request, number=number: str(number))
        response = Client(app).get("/", headers={"idempotency-key": "a"})
        assert (response.status, response.text) == (200, str(number))


def test_the_good_order_lists_every_middleware() -> None:
    _, _, table = REFERENCE.partition("### A good order\n")
    listed = re.findall(r"(?m)^\| `(\w+)`", table.partition("\n### ")[0])
    assert set(listed) == {*FACTORIES, "authenticate"}
    assert listed.index("rate_limit") < listed.index("authenticate") < listed.index("idempotency")


def test_a_misspelt_option_is_an_error() -> None:
    with pytest.raises(TypeError, match="body_limt"):
        body_limit(BodyLimitOptions(body_limt=5))  # type: ignore[call-arg]
