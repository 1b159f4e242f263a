"""The layers of the package: which module imports which.

A layer imports the layers below it, never those above. Imports inside functions count too, and are listed with their
reasons. Imports that only type checkers execute do not count.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).parent.parent / "src"
PACKAGE = SOURCE / "ropewalk"

LAYERS = (
    {
        "_command_start",
        "errors",
        "finite_numbers",
        "headers",
        "byte_ranges",
        "charsets",
        "clocks",
        "conditions",
        "cookies",
        "cookie_jar",
        "etags",
        "json_values",
        "methods",
        "hidden_files",
        "open_files",
        "twisted_private",
        "twisted_versions",
    },
    {
        "waiting",
        "dropped_failures",
        "producing",
        "converters",
        "negotiation",
        "proxies",
        "compression",
        "suggest",
        "url_encoding",
        "tracebacks",
        "waiting_places",
        "forks",
        "thread_calls",
        "awaited_truth",
        "multi_values",
        "logs",
    },
    {"forms"},
    {"request", "response", "msgpack_values", "response_types", "statuses", "streaming", "stores"},
    {"resource"},
    {"typed"},
    {"routing", "calling"},
    {"middleware", "files", "openapi", "asgi", "wsgi", "auth"}
    | {"caching", "sessions", "paging", "databases", "static_files", "templating"},
    {"app"},
    {"server"},
    {"testing", "dropin", "dev"},
    {"client"},
    {"_adapters", "cli"},
)
"""The layers from the bottom up. Packages of one layer may import each other, but not in a circle."""

ROOTS = {"__init__", "__main__"}
"""Modules above all layers, which connect them."""

LAZY_IMPORTS = {
    ("ropewalk._adapters", "ropewalk.dropin.mount.mounting"): "only programs that use twisted.web load it",
    ("ropewalk.cli.exec", "ropewalk.dropin.entry.monkeypatch"): "only `ropewalk exec` loads twisted.web",
    (
        "ropewalk.cli.application_kind",
        "ropewalk.asgi.application_check",
    ): "only a command that guesses an interface needs it",
    (
        "ropewalk.cli.application_kind",
        "ropewalk.wsgi.application_check",
    ): "only a command that guesses an interface needs it",
    ("ropewalk.cli.dev", "ropewalk.dev.changes"): "only `ropewalk dev` loads the development server",
    ("ropewalk.cli.dev", "ropewalk.dev.editor_links"): "only `ropewalk dev` loads the development server",
    ("ropewalk.cli.dev", "ropewalk.dev.listening_sockets"): "only `ropewalk dev` loads the development server",
    ("ropewalk.cli.dev", "ropewalk.dev.supervisor"): "only `ropewalk dev` loads the development server",
    ("ropewalk.cli.dev", "ropewalk.dev.watcher"): "only `ropewalk dev` loads the development server",
    ("ropewalk.cli.dev", "ropewalk.dev.worker"): "only `ropewalk dev` loads the development server",
    (
        "ropewalk.dev.error_pages",
        "ropewalk.sessions.session_cookies",
    ): "only error pages need it, and a worker starts faster without it",
    ("ropewalk.cli.hosting", "ropewalk.asgi"): "only a command that serves an ASGI application needs it",
    ("ropewalk.cli.hosting", "ropewalk.wsgi"): "only a command that serves a WSGI application needs it",
    ("ropewalk.server.tls_options", "ropewalk.server.tls"): "only a server of HTTPS needs pyOpenSSL",
    ("ropewalk.client.client", "ropewalk.client.app_transport"): "only clients of an App in this process need it",
    ("ropewalk.client.back_ends", "ropewalk.client.twisted_transport"): "only reactors without asyncio need it",
    ("ropewalk.client.back_ends", "ropewalk.client.httpx_transport"): "it needs httpx2, which the extra installs",
    ("ropewalk.openapi.security", "ropewalk.auth"): "only a program that publishes its description needs it",
    ("ropewalk.cli.program", "ropewalk.dropin.entry.extras"): "only `ropewalk exec` loads twisted.web",
    (
        "ropewalk.dropin.connection.socket_link",
        "ropewalk.dropin.connection.pipe_link",
    ): "a link replaces itself by the other",
    (
        "ropewalk.dropin.request.request",
        "ropewalk.dropin.request.static_files",
    ): "twisted.web.static warns when imported",
}
"""Imports inside functions, with the reason why they are not at the top of the file."""

CIRCLES: dict[frozenset[str], str] = {}
"""Circles of packages, with the reason why they are not resolved."""

MAY_IMPORT_THE_ENGINE = {"__init__", "files", "forms", "request", "response", "server", "dropin", "testing"}

FILES = sorted(PACKAGE.rglob("*.py"))


class Import(NamedTuple):
    """An import statement. `lazy`: whether it is inside a function."""

    name: str
    lazy: bool


def package_of(module: str) -> str:
    """The package (or the single-file module) below `ropewalk` that a module belongs to: `server` of
    `ropewalk.server.site`."""
    return module.split(".")[1] if "." in module else "__init__"


def module_of(file: Path) -> str:
    parts = file.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file) for file in FILES} | {"ropewalk._engine"}


def layer_of(package: str) -> int:
    return next(number for number, packages in enumerate(LAYERS) if package in packages)


def imports_in(source: str) -> Iterator[Import]:
    """Every import that runs: when the file is imported, or (`lazy`) when a function is called."""
    yield from _imports_below(ast.parse(source), lazy=False)


def _imports_below(node: ast.AST, *, lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, lazy) for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            for alias in child.names:
                name = f"{child.module}.{alias.name}"
                yield Import(name if name in MODULES or child.module not in MODULES else child.module, lazy)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for statement in child.orelse:
                yield from _imports_below(ast.Module([statement], []), lazy=lazy)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from _imports_below(child, lazy=lazy or inside)


@cache
def imports(file: Path) -> tuple[Import, ...]:
    return tuple(imports_in(file.read_text(encoding="utf-8")))


def own_imports(file: Path) -> list[Import]:
    return [each for each in imports(file) if each.name.partition(".")[0] == "ropewalk"]


def packages_imported_by_packages() -> dict[str, set[str]]:
    graph: dict[str, set[str]] = defaultdict(set)
    for file in FILES:
        package = package_of(module_of(file))
        graph[package] |= {package_of(each.name) for each in own_imports(file)} - {package}
    return graph


def circles(graph: dict[str, set[str]]) -> set[frozenset[str]]:
    """Return the sets of packages that all import each other, directly or indirectly."""
    reached: dict[str, set[str]] = {}
    for start in tuple(graph):
        reached[start], left = set(), [start]
        while left:
            new = graph.get(left.pop(), set()) - reached[start]
            reached[start] |= new
            left += new
    return {
        frozenset(other for other in reached[package] if package in reached.get(other, ()))
        for package in reached
        if package in reached[package]
    }


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_every_file_has_a_layer(file: Path) -> None:
    assert package_of(module_of(file)) in ROOTS.union(*LAYERS)


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_imports_point_down(file: Path) -> None:
    package = package_of(module_of(file))
    if package in ROOTS:
        return
    imported = {package_of(each.name) for each in own_imports(file) if not each.lazy}
    upward = {name for name in imported - ROOTS - {"_engine"} if layer_of(name) > layer_of(package)}
    assert upward == set()


def test_the_table_of_the_architecture_page_has_these_layers() -> None:
    page = SOURCE.parent / "docs" / "explanation" / "architecture.md"
    _, table = page.read_text(encoding="utf-8").split("| module or package | contents |\n|---|---|\n")
    rows = [line.split("|")[1] for line in table.partition("\n\n")[0].splitlines()]
    assert [set(re.findall(r"`(\w+)`", row)) for row in rows] == list(LAYERS), f"one row for each layer, in {page}"


def test_lazy_imports_are_listed() -> None:
    lazy = {(module_of(file), each.name) for file in FILES for each in own_imports(file) if each.lazy}
    assert lazy == set(LAZY_IMPORTS)


def test_packages_form_no_circle() -> None:
    assert circles(packages_imported_by_packages()) == set(CIRCLES)


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_few_import_the_engine(file: Path) -> None:
    if any(package_of(each.name) == "_engine" for each in own_imports(file)):
        assert package_of(module_of(file)) in MAY_IMPORT_THE_ENGINE


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_no_file_imports_the_reactor(file: Path) -> None:
    """Importing the reactor at module level would install the default reactor, so that no other could be installed."""
    assert not any(each.name.startswith("twisted.internet.reactor") and not each.lazy for each in imports(file))


class TestTheChecks:
    """Tests of the functions above with small examples."""

    def test_kinds_of_imports(self) -> None:
        source = """
import ropewalk.errors
if TYPE_CHECKING:
    from ropewalk.app import App
else:
    from ropewalk import headers
class Some:
    from ropewalk.cookies import Cookies
    def method(self):
        if self:
            from ropewalk.server import listen
"""
        assert list(imports_in(source)) == [
            ("ropewalk.errors", False),
            ("ropewalk.headers", False),
            ("ropewalk.cookies", False),
            ("ropewalk.server", True),
        ]

    def test_circles(self) -> None:
        graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
        assert circles(graph) == {frozenset("abc"), frozenset("de")}
