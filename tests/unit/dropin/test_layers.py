"""The direction of imports within `ropewalk.dropin`, imports in functions included."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import ropewalk.dropin

PACKAGE = Path(ropewalk.dropin.__file__).parent
LAYERS = ("modules", "request", "connection", "mount", "graft", "entry")
"""The layers from the lowest to the highest. `modules` are the modules next to the packages."""
FILES = sorted(file for file in PACKAGE.rglob("*.py") if file != PACKAGE / "__init__.py")


def layer_of(name: str) -> int:
    """Return the number of the layer of a package or module, given by its name within `ropewalk.dropin`."""
    return LAYERS.index(name) if name in LAYERS else 0


def imports(node: ast.AST) -> Iterator[str]:
    """Yield the names within `ropewalk.dropin` that are imported, except those for type checkers only."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    if isinstance(node, ast.ImportFrom):
        names = (f"{node.module}.{alias.name}".split(".") for alias in node.names)
        yield from (name[2] for name in names if name[:2] == ["ropewalk", "dropin"])
    for child in ast.iter_child_nodes(node):
        yield from imports(child)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_package_imports_only_lower_ones(file: Path) -> None:
    layer = layer_of(file.relative_to(PACKAGE).parts[0])
    names = set(imports(ast.parse(file.read_text(encoding="utf-8"))))
    assert {name for name in names if layer_of(name) > layer} == set()
