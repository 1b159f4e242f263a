"""`Limits` of the native module."""

import ast
from pathlib import Path
from typing import Any

import pytest

import ropewalk
from ropewalk._engine import Limits

STUB = Path(ropewalk.__file__).with_name("_engine.pyi")


def test_every_limit_can_be_set_and_read() -> None:
    for name in Limits.names:
        assert getattr(Limits(**{name: 7}), name) == 7


def test_the_stub_has_every_limit() -> None:
    """stubtest does not check the limits, because the native class looks up its attributes by name."""
    (stub,) = (
        node
        for node in ast.parse(STUB.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == "Limits"
    )
    properties = {
        node.name: ast.unparse(node.returns)
        for node in stub.body
        if isinstance(node, ast.FunctionDef) and node.returns and "property" in map(ast.unparse, node.decorator_list)
    }
    limits = {name: type(getattr(Limits(), name)).__name__ for name in Limits.names}
    assert properties == limits, f"give each limit a property in class Limits of {STUB}, with this type"


def test_times_are_seconds_and_may_be_fractions() -> None:
    assert Limits(head_timeout=0.25).head_timeout == 0.25


def test_replace_leaves_the_original_alone() -> None:
    limits = Limits(body_size=5)
    assert limits.replace(head_size=6).body_size == 5
    assert limits.replace(body_size=6).body_size == 6
    assert limits.body_size == 5


def test_equality_and_repr() -> None:
    assert Limits(body_size=5) == Limits(body_size=5)
    assert Limits(body_size=5) != Limits()
    assert "body_size=5" in repr(Limits(body_size=5))
    with pytest.raises(AttributeError):
        Limits().body_size = 5  # type: ignore[misc]


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_values_out_of_range_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="head_size"):
        Limits(head_size=value)


def test_a_value_that_is_no_number_is_refused_by_name() -> None:
    value: Any = "x"
    with pytest.raises(TypeError, match="The limit \"head_timeout\" is a number, not 'x'."):
        Limits(head_timeout=value)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises((TypeError, ValueError), match="haed_size"):
        Limits(haed_size=1)
