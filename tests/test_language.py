"""Messages, help texts, docstrings, comments and pages contain no word of the banned list (see the glossary).

If they contain a list, each item is on a line of its own.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.language import violations

from ropewalk.cli import main
from ropewalk.errors import CATALOGUE

PACKAGE = Path(__file__).parent.parent / "src" / "ropewalk"

ROOT = PACKAGE.parents[1]

PAGES = sorted(
    str(page.relative_to(ROOT))
    for page in (*ROOT.glob("*.md"), *ROOT.joinpath("docs").rglob("*.md"))
    if page.name != "CHANGELOG.md"
)
"""The pages of the documentation, except the log of changes, which keeps the words of its time."""

SOURCES = sorted(
    str(file.relative_to(ROOT))
    for folder, ending in (("src", "py"), ("tests", "py"), ("engine", "rs"), ("binding", "rs"), ("fuzz", "rs"))
    for file in ROOT.joinpath(folder).rglob(f"*.{ending}")
    if "target" not in file.parts and file.name not in ("language.py", "test_language.py")
)
"""The files whose comments are checked."""

FILES = sorted(PACKAGE.rglob("*.py"))

MERGED_ITEMS = re.compile(r"[.;:,!?)`\"'] +[-*•] +\S.*|^\s*[-*•] .*\S +[-*•] +[A-Z`].*", re.MULTILINE)
"""An item of a list on the same line as the item or the sentence before it, as a program that wraps lines leaves it."""

CODE = re.compile(r"(?ms)^ *```.*?^ *```$|`[^`\n]+`|^ *\|.*$")
"""Code blocks, code in a line, and rows of tables: a hyphen in them is not the sign of an item."""


def texts(file: Path) -> Iterator[str]:
    """Yield every string of a file: docstrings, messages and help texts."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.value


def comments(file: Path) -> Iterator[str]:
    """Yield every comment of a file, including documentation comments of Rust, and in Python every docstring."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".rs":
        yield from re.findall(r"(?m)^\s*//[/!]?(.*)$", text)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


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
    assert violations((ROOT / page).read_text(encoding="utf-8")) == []


def merged_items(text: str) -> list[str]:
    """The items of lists that are on the line of another item or of a sentence."""
    return MERGED_ITEMS.findall(CODE.sub("`code`", text))


@pytest.mark.parametrize(
    "text",
    [
        "It does two things: - it reads. - It writes.",
        "- It reads `a`. - It writes.",
        " * It reads - It writes.",
        "It reads; - it writes.",
    ],
)
def test_merged_items_are_found(text: str) -> None:
    assert merged_items(text) != []


@pytest.mark.parametrize(
    "text",
    [
        "It does two things:\n\n- it reads. It writes\n  what it has read;\n- it ends.",
        "The sum is `a. - b`.",
        "| a. - b |",
        "```\nvalue. - other\n```",
        "A non-empty list, -1 and a - b.",
    ],
)
def test_lists_are_not(text: str) -> None:
    assert merged_items(text) == []


@pytest.mark.parametrize("file", SOURCES)
def test_lists_in_comments(file: str) -> None:
    assert [each for text in comments(ROOT / file) for each in merged_items(text)] == []


@pytest.mark.parametrize("page", PAGES)
def test_lists_on_pages(page: str) -> None:
    assert merged_items((ROOT / page).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("file", SOURCES)
def test_comments(file: str) -> None:
    assert [each for text in comments(ROOT / file) for each in violations(text)] == []
