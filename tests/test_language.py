"""The language of messages, help texts and docstrings: no word of the banned list (see the glossary for the terms)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.language import violations

from ropewalk.cli import main
from ropewalk.errors import CATALOGUE

PACKAGE = Path(__file__).parent.parent / "src" / "ropewalk"

PAGES = ("docs/how-to/drop-in.md", "docs/how-to/files.md", "docs/reference/errors.md")
"""Pages of the documentation that are checked, below the root."""

FILES = sorted(PACKAGE.rglob("*.py"))


def texts(file: Path) -> Iterator[str]:
    """Every string of a file: docstrings, messages and help texts."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.value


@pytest.mark.parametrize("text", ["The answer is complete.", "Nobody waits.", "Mend it.", "It came of a timeout."])
def test_a_banned_word_is_found(text: str) -> None:
    assert violations(text) != []


@pytest.mark.parametrize("text", ["The response is complete.", "It was amended."])
def test_other_words_are_not(text: str) -> None:
    assert violations(text) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_strings_of_the_package(file: Path) -> None:
    assert [each for text in texts(file) for each in violations(text)] == []


@pytest.mark.parametrize("code", CATALOGUE)
def test_error_codes(code: str) -> None:
    assert violations(f"{CATALOGUE[code].summary} {CATALOGUE[code].remedy}") == []


@pytest.mark.parametrize("name", main.commands)
def test_help_of_commands(name: str) -> None:
    command = main.commands[name]
    assert violations(command.get_help(click.Context(command, info_name=name))) == []


@pytest.mark.parametrize("page", PAGES)
def test_pages(page: str) -> None:
    assert violations((PACKAGE.parents[1] / page).read_text(encoding="utf-8")) == []
