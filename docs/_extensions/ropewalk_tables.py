"""Directives that generate parts of pages from the code: error codes, exceptions, commands."""

import re
from typing import Any, Final

import click
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import ropewalk
from ropewalk import errors
from ropewalk.cli import main
from ropewalk.errors import CATALOGUE

PAGE: Final = re.compile(r"docs/(?=\w+/([\w-]+)\.md)(\S+\.md)")
"""The path of a documentation page in a message."""


class ErrorCatalogue(SphinxDirective):
    """Every code with its meaning and its remedy, from `ropewalk.errors`."""

    def run(self) -> list[nodes.Node]:
        entries = sorted(CATALOGUE.values(), key=lambda entry: entry.code)
        return parse(self, [line for entry in entries for line in entry_lines(entry)])


def entry_lines(entry: Any) -> list[str]:
    """Return a heading that can be linked to, the summary and the remedy."""
    remedy = PAGE.sub(r"[the page \1](../\2)", entry.remedy)
    return [f"({entry.code.lower()})=", f"### {entry.code}", "", entry.summary, "", f"**Remedy:** {remedy}", ""]


class Exceptions(SphinxDirective):
    """Every exception class of `ropewalk.errors`, by the name under which programs import it."""

    def run(self) -> list[nodes.Node]:
        lines = []
        for name, value in vars(errors).items():
            if isinstance(value, type) and issubclass(value, Exception) and value.__module__.startswith("ropewalk."):
                package = "ropewalk" if name in ropewalk.__all__ else "ropewalk.errors"
                signature = "" if value is errors.HTTPError else "()"  # programs create only this exception
                lines += [f".. autoexception:: {package}.{name}{signature}", "", *attribute_lines(value)]
        return parse(self, ["```{eval-rst}", *lines, "```"])


ATTRIBUTES: Final = {
    errors.RopewalkError: {"code": "such as ``RW213``", "message": "what happened", "remedy": "what to do"},
    errors.HTTPError: {
        "status": "such as 404",
        "detail": "what the client gets; the phrase of the status by default",
        "headers": "the header fields of the response",
    },
}
"""The descriptions of the attributes of exceptions."""


def attribute_lines(exception: type[Exception]) -> list[str]:
    """The attributes of an exception, below its directive."""
    return [
        line
        for name, meaning in ATTRIBUTES.get(exception, {}).items()
        for line in (f"   .. py:attribute:: {name}", "", f"      {meaning[0].upper()}{meaning[1:]}.", "")
    ]


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
    app.add_directive("exceptions", Exceptions)
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "version": "1"}
