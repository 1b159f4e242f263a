"""The direction of imports: a room knows those below it, never those above."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "ropewalk"

FLOORS = (
    {"errors", "headers", "charsets", "cookies", "json_values", "methods", "open_files", "twisted_private"},
    {"waiting", "producing", "converters", "proxies", "suggest", "tracebacks", "forks"},
    {"request", "response", "streaming"},
    {"resource"},
    {"routing", "calling"},
    {"middleware", "files", "asgi", "wsgi"},
    {"app"},
    {"server"},
    {"testing", "dropin"},
    {"cli"},
)
"""From the ground up. Rooms of one floor may know each other."""

MAY_IMPORT_THE_ENGINE = {"__init__", "request", "response", "server", "dropin", "testing"}

FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(module: str) -> str:
    """`ropewalk.server.site` is in the room `server`."""
    return module.split(".")[1] if "." in module else "__init__"


def module_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def floor_of(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def imports(file: Path) -> Iterator[str]:
    """What is imported when the file is: not what only type checkers see, nor what a function imports when called."""
    for node in _run_at_import(ast.parse(file.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _run_at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With | ast.ClassDef):
            yield from _run_at_import(node.body)


def ours(file: Path) -> set[str]:
    return {room_of(name) for name in imports(file) if name.startswith("ropewalk.")}


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_every_file_has_a_floor(file: Path) -> None:
    assert room_of(module_of(file)) in {"__init__", "__main__"}.union(*FLOORS)


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_imports_point_down(file: Path) -> None:
    room = room_of(module_of(file))
    if room in {"__init__", "__main__"}:
        return
    known = {name for name in ours(file) if any(name in floor for floor in FLOORS)}
    upward = {name for name in known if floor_of(name) > floor_of(room)}
    assert upward == set()


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_few_import_the_engine(file: Path) -> None:
    if "_engine" in ours(file):
        assert room_of(module_of(file)) in MAY_IMPORT_THE_ENGINE


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_no_file_imports_the_reactor(file: Path) -> None:
    """Importing it installs the default one, and then it is too late for another."""
    assert not any(name.startswith("twisted.internet.reactor") for name in imports(file))
