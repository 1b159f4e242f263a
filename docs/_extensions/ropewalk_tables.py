"""Directives that write the pages which would else go stale: error codes, limits, commands."""

import re
from pathlib import Path
from typing import Any

import click
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from ropewalk import Limits
from ropewalk.cli import main
from ropewalk.errors import CATALOGUE

LIMITS_SOURCE = Path(__file__).parents[2] / "engine" / "src" / "limits.rs"


class ErrorCatalogue(SphinxDirective):
    """Every code with its meaning and its remedy, from `ropewalk.errors`."""

    def run(self) -> list[nodes.Node]:
        entries = sorted(CATALOGUE.values(), key=lambda entry: entry.code)
        return parse(self, [line for entry in entries for line in entry_lines(entry)])


def entry_lines(entry: Any) -> list[str]:
    """A heading that can be linked to, the summary and the remedy."""
    return [f"({entry.code.lower()})=", f"### {entry.code}", "", entry.summary, "", f"**Remedy:** {entry.remedy}", ""]


class LimitsTable(SphinxDirective):
    """Every limit: its default from the engine itself, its meaning and precedents from where it is defined."""

    def run(self) -> list[nodes.Node]:
        defaults = Limits()
        lines = ["| limit | default | what it is, and what others chose |", "|---|---:|---|"]
        for name, unit, meaning in defined_limits():
            lines.append(f"| `{name}` | {amount(getattr(defaults, name), unit)} | {meaning} |")
        return parse(self, lines)


def defined_limits() -> list[tuple[str, str, str]]:
    """The name, the unit and the comment of each limit in the engine's source."""
    source = LIMITS_SOURCE.read_text(encoding="utf-8")
    found = re.findall(r"((?: {4}///.*\n)+) {4}(\w+): (\w+) =", source)
    limits = [(name, unit, " ".join(comment.replace("///", "").split())) for comment, name, unit in found]
    if [name for name, _, _ in limits] != list(Limits.names):
        raise ExtensionError(f"{LIMITS_SOURCE} and ropewalk.Limits do not name the same limits.")
    return limits


def amount(value: float, unit: str) -> str:
    """As people write it: 10 s, 0.01 s, 32 KiB, 100."""
    if unit == "Seconds":
        return f"{value:g} s"
    if value >= 1 << 20:
        return f"{value / (1 << 20):g} MiB"
    return f"{value / 1024:g} KiB" if value >= 4096 else f"{value:g}"


class Commands(SphinxDirective):
    """The help text of every command."""

    def run(self) -> list[nodes.Node]:
        lines = []
        for name, command in main.commands.items():
            context = click.Context(command, info_name=f"ropewalk {name}", max_content_width=88)
            lines += [f"### ropewalk {name}", "", "```text", *command.get_help(context).splitlines(), "```", ""]
        return parse(self, lines)


def parse(directive: SphinxDirective, lines: list[str]) -> list[nodes.Node]:
    """Read `lines` as a part of the page in which the directive stands."""
    container = nodes.Element()
    directive.state.nested_parse(StringList(lines, directive.get_source_info()[0]), 0, container, match_titles=True)
    return list(container.children)


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("error-catalogue", ErrorCatalogue)
    app.add_directive("limits-table", LimitsTable)
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "version": "1"}
