"""The documentation agrees with the code, and uses plain words."""

import ast
import re
from pathlib import Path
from textwrap import dedent

import pytest
from tests.language import ON_PAGES, violations

import ropewalk
from ropewalk.errors import CATALOGUE

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "ropewalk"
DOCS = ROOT / "docs"
CATALOGUE_FOLDER = PACKAGE / "errors" / "catalogue"

MODULES = sorted(
    path.stem
    for path in PACKAGE.iterdir()
    if not path.name.startswith("_") and (path.suffix == ".py" or (path / "__init__.py").exists())
)

PAGES = sorted(path for path in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")] if "_build" not in path.parts)

INTERNAL = {
    "awaited_truth",
    "multi_values",
    "byte_ranges",
    "calling",
    "conditions",
    "cookie_jar",
    "dropped_failures",
    "finite_numbers",
    "forks",
    "hidden_files",
    "open_files",
    "producing",
    "response_types",
    "streaming",
    "suggest",
    "url_encoding",
    "thread_calls",
    "tracebacks",
    "waiting_places",
}
"""Internal modules, from which users import nothing."""

BLOCK = r"(?ms:^```python\n(.*?)^```$)"
"""A code block on a page."""
GUIDES = sorted((DOCS / "how-to").glob("*.md"))
SEVERAL_FILES = {"database.md", "rest-service.md"}
"""Guides whose code is in several files. They say in which file the complete code is."""


CODE_BLOCK = re.compile(r"(?ms)^```.*?^```$")

TABLE_ROW = re.compile(r"(?m)^[|-].*$")

MADE_BY_RUNS = {"docs/_build/html", "fuzz/crashes"}
"""Paths on pages that a clone does not have yet."""

GENERATED = {"conformance.md", "interop.md", "limits.md", "twisted-tests.md"}
"""Pages with tables whose words come from the source or from the tests."""


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("module", sorted({*MODULES} - INTERNAL))
def test_every_module_has_a_page(module: str) -> None:
    page = DOCS / "reference" / f"{module}.md"
    assert page.read_text(encoding="utf-8").startswith(f"# {module}\n")


@pytest.mark.parametrize("page", sorted((DOCS / "reference").glob("*.md")), ids=lambda page: page.stem)
def test_every_page_describes_a_module(page: Path) -> None:
    assert page.stem in {*MODULES, "index", "limits", "glossary"} - INTERNAL


def test_every_public_name_is_documented_as_it_is_imported() -> None:
    reference = "".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    documented = set(re.findall(r"(?m)^\.\. [\w:]+:: ropewalk(?:\.|::)(\w+)", reference))
    errors = {
        name
        for name in ropewalk.__all__
        if isinstance(getattr(ropewalk, name), type(Exception)) and issubclass(getattr(ropewalk, name), Exception)
    }
    assert {*ropewalk.__all__} - documented - errors - {"__version__"} == set()


@pytest.mark.parametrize("index", ["reference", "how-to", "explanation"])
def test_an_index_links_each_of_its_pages(index: str) -> None:
    """Each index has a list of links for forges, and a hidden table of contents for Sphinx."""
    page = (DOCS / index / "index.md").read_text(encoding="utf-8")
    pages = {path.stem for path in (DOCS / index).glob("*.md")} - {"index"}
    for where, found in (
        ("the list of links", set(re.findall(r"\((\S+)\.md\)", page))),
        ("a {toctree}", set(re.findall(r"(?m)^([\w-]+)$", page))),
    ):
        assert pages - found == set(), f"add these pages to {where} of docs/{index}/index.md"
        assert found - pages == set(), f"remove these names from {where} of docs/{index}/index.md: no page has them"


def test_the_terms_of_the_glossary_are_in_order() -> None:
    page = (DOCS / "reference" / "glossary.md").read_text(encoding="utf-8")
    for section in page.split("\n## ")[1:]:
        terms = [term.lower() for term in re.findall(r"(?m)^([^\n#]+)\n: ", section)]
        assert terms == sorted(terms)


def test_each_entry_of_the_glossary_links_to_a_page() -> None:
    page = (DOCS / "reference" / "glossary.md").read_text(encoding="utf-8")
    entries = [entry for entry in page.split("\n\n") if "\n: " in entry]
    assert entries
    assert [entry for entry in entries if "](" not in entry] == [], "add a link to each of these entries"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_code_that_is_shown_is_in_its_file(page: Path) -> None:
    """`<!-- examples/hello.py -->` above a block names the file that contains its code."""
    shown = re.findall(rf"<!-- (\S+) -->\n{BLOCK}", page.read_text(encoding="utf-8"))
    assert [code for file, code in shown if code not in (ROOT / file).read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("page", GUIDES, ids=page_id)
def test_guides_name_their_example_and_show_its_imports(page: Path) -> None:
    """A reader who copies the code must not guess its imports. On a rendered page the comment is not visible."""
    text = page.read_text(encoding="utf-8")
    files = re.findall(r"<!-- (examples/\S+\.py) -->", text)
    if files:
        named = [file for file in files if file in re.sub("<!--.*?-->", "", text)]
        assert named, f"link to {files[0]}"
    if files and page.name not in SEVERAL_FILES:
        assert re.search("(?m)^(import|from) ", re.findall(BLOCK, text)[0]), f"show the imports of {files[0]} first"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_pages_are_readable_on_a_forge(page: Path) -> None:
    """A forge shows Markdown, but not what Sphinx would include."""
    assert "{literalinclude}" not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_the_python_on_it_compiles(page: Path) -> None:
    for code in re.findall(BLOCK, page.read_text(encoding="utf-8")):
        ast.parse(dedent(code))


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    """Sphinx checks links between the pages in `docs/`, but not links in the pages at the root."""
    broken = []
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", CODE_BLOCK.sub("", page.read_text(encoding="utf-8"))):
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        if not file.exists() or (anchor and anchor not in headings(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_paths_of_the_repository_exist(page: Path) -> None:
    text = CODE_BLOCK.sub("", page.read_text(encoding="utf-8"))
    paths = re.findall(r"`((?:binding|docs|engine|examples|fuzz|interop|scripts|src|tests)/[\w./-]*)`", text)
    assert [path for path in paths if path not in MADE_BY_RUNS and not (ROOT / path).exists()] == []


def headings(page: Path) -> set[str]:
    """The anchors that forges give to the headings of a page."""
    titles = re.findall(r"(?m)^#+ (.+)$", CODE_BLOCK.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_pages_use_plain_words(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    if page.name in GENERATED:
        text = TABLE_ROW.sub("", text)
    assert violations(text, ON_PAGES) == []


def test_the_readme_shows_hello() -> None:
    assert "<!-- examples/hello.py -->" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", ["src", "docs", "tests"])
def test_every_code_that_is_mentioned_is_in_the_catalogue(folder: str) -> None:
    files = [
        path for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".md"} and "_build" not in path.parts
    ]
    mentioned = {code for path in files for code in re.findall(r"\bRW[1-9]\d\d\b", path.read_text(encoding="utf-8"))}
    assert mentioned - set(CATALOGUE) == set()


def test_every_code_in_the_catalogue_is_used() -> None:
    sources = [path for path in PACKAGE.rglob("*.py") if CATALOGUE_FOLDER not in path.parents]
    sources += [ROOT / "engine", ROOT / "binding"]
    text = "".join(
        file.read_text(encoding="utf-8")
        for source in sources
        for file in ([source] if source.is_file() else source.rglob("*.rs"))
    )
    text += (CATALOGUE_FOLDER / "__init__.py").read_text(encoding="utf-8").split("CATALOGUE: Final", 1)[1]
    assert {code for code in CATALOGUE if code not in text} == set()


def test_the_list_of_differences_from_llhttp_is_complete() -> None:
    code = (ROOT / "fuzz" / "src" / "differential" / "differences.rs").read_text(encoding="utf-8")
    stricter = code.split("pub const STRICTER", 1)[1].split("];", 1)[0]
    rows = re.findall(r"\((\"[^\"]+\"), (\"[^\"]+\")\)", stricter)
    page = (DOCS / "explanation" / "fuzzing.md").read_text(encoding="utf-8")
    assert rows
    assert [row for row in rows if "| {} | {} |".format(*(ast.literal_eval(cell) for cell in row)) not in page] == []
