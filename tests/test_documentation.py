"""The documentation speaks of what there is."""

import ast
import re
from pathlib import Path

import pytest

from ropewalk.errors import CATALOGUE

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "ropewalk"
DOCS = ROOT / "docs"

MODULES = sorted(
    path.stem
    for path in PACKAGE.iterdir()
    if not path.name.startswith("_") and (path.suffix == ".py" or (path / "__init__.py").exists())
)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_page(module: str) -> None:
    page = DOCS / "reference" / f"{module}.md"
    assert page.read_text(encoding="utf-8").startswith(f"# {module}\n")


@pytest.mark.parametrize("page", sorted((DOCS / "reference").glob("*.md")), ids=lambda page: page.stem)
def test_every_page_is_of_a_module(page: Path) -> None:
    assert page.stem in {*MODULES, "index", "limits"}


def test_the_readme_shows_the_example_itself() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    example = (ROOT / "examples" / "hello.py").read_text(encoding="utf-8")
    code = example.split('"""', 2)[2].strip()
    assert f"```python\n{code}\n```" in readme


def test_the_python_in_the_readme_compiles() -> None:
    for code in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL):
        ast.parse(code)


@pytest.mark.parametrize("folder", ["src", "docs", "tests"])
def test_every_code_that_is_mentioned_is_in_the_catalogue(folder: str) -> None:
    files = [
        path for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".md"} and "_build" not in path.parts
    ]
    mentioned = {code for path in files for code in re.findall(r"\bRW[1-9]\d\d\b", path.read_text(encoding="utf-8"))}
    assert mentioned - set(CATALOGUE) == set()


def test_every_code_in_the_catalogue_is_used() -> None:
    sources = [path for path in PACKAGE.rglob("*.py") if path.name != "errors.py"]
    sources += [ROOT / "engine", ROOT / "binding"]
    text = "".join(
        file.read_text(encoding="utf-8")
        for source in sources
        for file in ([source] if source.is_file() else source.rglob("*.rs"))
    )
    text += (PACKAGE / "errors.py").read_text(encoding="utf-8").split("CATALOGUE: Final", 1)[1]
    assert {code for code in CATALOGUE if code not in text} == set()
