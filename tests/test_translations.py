"""Each translated page has the sections, the code, the links and the figures of the English page."""

import re
from collections import Counter
from itertools import zip_longest
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

TRANSLATIONS = {"README.md": "README.zh.md", "docs/tutorial.md": "docs/zh/tutorial.md"}

GLOSSARY = "## 术语表"
"""A section that only translations have: the terms in both languages."""

BLOCK = re.compile(r"(?ms)(?:^<!-- \S+ -->\n)?^```.*?^```$")
HEADING = re.compile(r"(?m)^(#+) (.+)$")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FIGURE = re.compile(r"\d[\d.,]*\d|\d")

pages = pytest.mark.parametrize(("english", "translated"), TRANSLATIONS.items())


def read(path: str) -> str:
    """Read a page, without its glossary."""
    return (ROOT / path).read_text(encoding="utf-8").partition(GLOSSARY)[0]


def sections(path: str) -> list[str]:
    """The text of each section, without code blocks."""
    return re.split(r"(?m)^(?=#+ )", BLOCK.sub("", read(path)))


def anchors(path: str) -> list[str]:
    """The anchors that forges and Sphinx give to the headings of a page."""
    titles = [title for _, title in HEADING.findall(BLOCK.sub("", read(path)))]
    return [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]


def target(link: str, path: str) -> str:
    """The target of a link in a form that is equal for a page and its translation: headings are given by number."""
    if "://" in link:
        return link
    file, _, anchor = link.partition("#")
    if not file:
        return f"#{anchors(path).index(anchor)}" if anchor in anchors(path) else "the glossary"
    found = str((ROOT / path).parent.joinpath(file).resolve().relative_to(ROOT))
    english = {translated: page for page, translated in TRANSLATIONS.items()}
    return f"{english.get(found, found)}#{anchor}"


def targets(text: str, path: str) -> Counter[str]:
    found = Counter(target(link, path) for link in LINK.findall(text))
    del found["the glossary"]
    return found


@pages
def test_headings(english: str, translated: str) -> None:
    levels = [[len(marks) for marks, _ in HEADING.findall(BLOCK.sub("", read(path)))] for path in (english, translated)]
    assert levels[0] == levels[1], f"give {translated} the headings of {english}"


@pages
def test_code(english: str, translated: str) -> None:
    for ours, theirs in zip_longest(BLOCK.findall(read(english)), BLOCK.findall(read(translated)), fillvalue=""):
        assert ours == theirs, f"copy this block from {english} to {translated}"


@pages
def test_links(english: str, translated: str) -> None:
    for ours, theirs in zip_longest(sections(english), sections(translated), fillvalue=""):
        expected, found = targets(ours, english), targets(theirs, translated)
        assert expected == found, f"{translated}, in the section of {ours.splitlines()[0]!r}"


@pages
def test_rows_and_items(english: str, translated: str) -> None:
    """A new row of a table or item of a list needs a translation."""
    for ours, theirs in zip_longest(sections(english), sections(translated), fillvalue=""):
        for sign in ("|", "- "):
            expected, found = (sum(line.startswith(sign) for line in text.splitlines()) for text in (ours, theirs))
            assert expected == found, f"{translated}, in the section of {ours.splitlines()[0]!r}: {sign!r}"


@pages
def test_figures_of_tables(english: str, translated: str) -> None:
    rows = [[FIGURE.findall(row) for row in re.findall(r"(?m)^\|.*$", read(path))] for path in (english, translated)]
    assert rows[0] == rows[1]


@pages
def test_figures_with_decimals(english: str, translated: str) -> None:
    """Other numbers may be written in another way, such as 21 million."""
    for ours, theirs in zip_longest(sections(english), sections(translated), fillvalue=""):
        expected, found = ({*re.findall(r"\d+\.\d+", text)} for text in (ours, theirs))
        assert expected == found, f"{translated}, in the section of {ours.splitlines()[0]!r}"


@pages
def test_names_of_code(english: str, translated: str) -> None:
    for ours, theirs in zip_longest(sections(english), sections(translated), fillvalue=""):
        expected, found = ({*re.findall("`[^`\n]+`", text)} for text in (ours, theirs))
        assert expected == found, f"{translated}, in the section of {ours.splitlines()[0]!r}"


@pages
def test_the_pages_link_each_other(english: str, translated: str) -> None:
    for path, other in ((english, translated), (translated, english)):
        head = read(path).split("\n## ")[0]
        links = {(ROOT / path).parent.joinpath(link).resolve() for link in LINK.findall(head) if "://" not in link}
        assert ROOT / other in links


def test_every_translation_is_checked() -> None:
    found = {str(page.relative_to(ROOT)) for page in (*ROOT.glob("*.zh.md"), *(ROOT / "docs" / "zh").rglob("*.md"))}
    assert found == set(TRANSLATIONS.values())
