"""The committed lists: all tests, and those that are left out, with the reasons."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, get_args

import msgspec

TESTS = Path(__file__).with_name("tests.txt")
LEFT_OUT = Path(__file__).with_name("left_out.toml")

Kind = Literal["host", "rule", "extension", "platform"]
Configuration = Literal["twisted", "channel", "request", "exec"]

CONFIGURATIONS: tuple[Configuration, ...] = get_args(Configuration)


class LeftOut(msgspec.Struct, rename="kebab", forbid_unknown_fields=True):
    """Tests that do not pass, for one reason. `left_out.toml` explains the kinds."""

    kind: Kind
    reason: str
    tests: list[str]
    where: tuple[Configuration, ...] = CONFIGURATIONS
    only_as_root: bool = False


def everything() -> dict[str, list[str]]:
    """The names of the tests, by module."""
    tests: dict[str, list[str]] = {}
    group = ""
    for line in TESTS.read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            tests.setdefault(group.partition(".")[0], []).append(f"{group}.{line.strip()}")
        else:
            group = line
    return tests


def write_everything(tests: Iterable[str]) -> None:
    """Write the list that `everything` reads."""
    groups: dict[str, list[str]] = {}
    for test in tests:
        group, _, name = test.rpartition(".")
        groups.setdefault(group, []).append(f"  {name}\n")
    TESTS.write_text("".join(f"{group}\n{''.join(names)}" for group, names in groups.items()), encoding="utf-8")


def left_out(configuration: str | None = None, *, everywhere: bool = False) -> list[LeftOut]:
    """The groups that are left out of a configuration, or of any. `everywhere` adds the groups that are left out only
    for root."""
    root = everywhere or os.geteuid() == 0
    groups = msgspec.toml.decode(LEFT_OUT.read_bytes(), type=dict[Literal["left-out"], list[LeftOut]])["left-out"]
    return [
        it for it in groups if (configuration is None or configuration in it.where) and (root or not it.only_as_root)
    ]


def names(groups: Iterable[LeftOut]) -> list[str]:
    """The names of the tests in these groups."""
    return [test for group in groups for test in group.tests]
