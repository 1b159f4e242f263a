"""The language of messages, help texts and docstrings: no word of the banned list (see the glossary for the terms)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ropewalk.cli import main
from ropewalk.errors import CATALOGUE

PACKAGE = Path(__file__).parent.parent / "src" / "ropewalk"

BANNED = {
    r"\banswer(s|ed|ing)?\b": "response, respond or send",
    r"\b(somebody|someone|nobody|everybody|everyone|anybody|anyone|whoever)\b": "the client, peer, caller or user",
    r"\b(he|she|him|his|her)\b": "the client, peer, caller or user",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\babroad\b": "another thread or process",
    r"\b(homecoming|goes home|went home|came home)\b": "drain",
    r"\bbehind the (head|last|first|end|answer|response|request)\b": "after",
    r"\bsee(s|n)? to (it|the|a)\b": "handle",
    r"\bbring(s)? about\b": "cause",
    r"\bpart(s)? with\b": "release",
    r"\bbear(s)? (with|of|the)\b": "allow",
    r"\b(came|comes|come) of\b": "is caused by",
    r"\bhear(s)? of\b": "is notified of",
    r"\btell(s)? of\b": "report",
    r"\b(is|are|was|were|been|being) told\b|\btold of\b": "is notified",
    r"\b(is|are|was|were|been|being) asked\b": "is called, read or requested",
    r"\bsay(s)? of\b": "report",
    r"\bhanded over\b": "passed",
    r"(?<!there )\b(is|are) no (?!(fewer|less|longer|more)\b)": "is not a",
    r"\b(of|to|for|in|by|with) whom\b|\bof whose\b": "two sentences",
    r"\bupon\b": "on or onto",
    r"\b(anew|once more)\b": "again",
    r"\bfor good\b(?! reason)": "permanently",
    r"\bto be had\b|\bbe had\b": "is available",
    r"\bbecom(e|es|ing) of\b|\bbecame of\b": "happens to",
    r"\bblam(e|es|ed|ing)\b": "the cause of",
    r"\bimpatien(t|tly|ce)\b": "the deadline, or the second signal",
    r"\bat (rest|work)\b": "idle or running",
    r"\bthe (elder|older|younger) brother\b|\bits brothers\b": "the related thing, by name",
    r"\bfit for the wire\b": "valid",
    r"\bwhence\b|\bthereupon\b|\bwhereupon\b|\bheretofore\b": "a plain word",
}
"""By pattern: the words to use instead."""

PAGES = ("docs/reference/errors.md",)
"""Pages of the documentation that are checked, below the root: add `docs/how-to/files.md` when it has been edited."""

FILES = sorted(PACKAGE.rglob("*.py"))


def violations(text: str) -> list[str]:
    return [
        f"{found[0]!r}: use {instead}, in {text.strip()[:100]!r}"
        for pattern, instead in BANNED.items()
        for found in re.finditer(pattern, text, re.IGNORECASE)
    ]


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
