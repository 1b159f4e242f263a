"""Checks of options that several packages share."""

from typing import Any

import pytest

from ropewalk.errors import OptionError, check_options, is_seconds


@pytest.mark.parametrize("value", [1, 0.001, 999_999_999])
def test_seconds(value: float) -> None:
    assert is_seconds(value)


@pytest.mark.parametrize("value", [0, -1, True, "1", None, float("nan"), float("inf"), 10**9, 10**400])
def test_what_are_not_seconds(value: Any) -> None:
    assert not is_seconds(value)


def test_options_of_a_derived_class() -> None:
    class Options: ...

    class Derived(Options): ...

    check_options(Derived(), Options, "RW271")
    with pytest.raises(
        OptionError, match=r"RW271 The options are 5, of type int \(.*\)\. Give the options as Options\("
    ):
        check_options(5, Options, "RW271")
