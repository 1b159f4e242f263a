"""The tables of `ropewalk.twisted_private` list all private names of Twisted that are used, and Twisted has them."""

import ast
import inspect
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.versions import with_websocket
from twisted import __version__
from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.web.http_headers import Headers

import ropewalk.dropin
import ropewalk.testing
from ropewalk import twisted_private
from ropewalk.errors import CATALOGUE, StartError
from ropewalk.twisted_private import ATTRIBUTES, NAMES, Attribute, Name, check, is_there
from ropewalk.twisted_versions import TESTED, warn_of_untested

PACKAGE = Path(ropewalk.__file__).parent
TABLES = PACKAGE / "twisted_private.py"
FILES = sorted(file for file in PACKAGE.rglob("*.py") if file not in (TABLES, PACKAGE / "__main__.py"))

LISTED = {attribute.name for attribute in ATTRIBUTES}
PRIVATE = re.compile(r"_(?!_)\w+")

REMEDY = CATALOGUE["RW756"].remedy

READERS = ("getattr", "hasattr", "setattr")

OWN_NAMES = {
    "request.py": {"_failure"},
    "testing/idle_reactor.py": {"_thread"},
}
"""For each file, the private attributes of our own objects whose name also occurs in an imported Twisted module."""


def is_private(name: str) -> bool:
    return PRIVATE.fullmatch(name) is not None


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def name_of(file: Path) -> str:
    return str(file.relative_to(PACKAGE))


def twisted_imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield each imported module of Twisted, and the name that is imported from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.split(".")[0] == "twisted")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "twisted":
            yield from ((node.module or "", alias.name) for alias in node.names)


def named_imports(tree: ast.AST) -> Iterator[str]:
    """Yield the modules of Twisted whose private names are imported through the table."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == twisted_private.__name__:
            yield from (NAMES[alias.name].module for alias in node.names if alias.name in NAMES)


@cache
def names_in(module: str) -> frozenset[str]:
    """Return every private name in the source of a module."""
    found = import_module(module)
    return frozenset(PRIVATE.findall(inspect.getsource(found)))


def names_of_twisted(tree: ast.AST) -> set[str]:
    """Return the private names of everything that a file imports from Twisted."""
    found = {name for module in named_imports(tree) for name in names_in(module)}
    for module, name in twisted_imports(tree):
        if module == "twisted.internet" and name == "reactor":
            continue
        found |= names_in(module)
        kind = getattr(import_module(module), name, None) if name else None
        if inspect.ismodule(kind):
            found |= names_in(kind.__name__)
        elif isinstance(kind, type):
            for each in kind.__mro__:
                if each.__module__.split(".")[0] == "twisted":
                    found |= names_in(each.__module__)
    return found


def reads(tree: ast.AST) -> Iterator[str]:
    """Yield the private attributes that are read or set on objects other than `self`, also by `getattr`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")):
                yield node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in READERS:
            name = node.args[1]
            if isinstance(name, ast.Constant) and isinstance(name.value, str) and is_private(name.value):
                yield name.value


def names_of_class(tree: ast.AST) -> set[str]:
    """Return the private names that the body of a class defines, or uses on its instances."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return set(filter(is_private, found))


def names_of_base(base: type) -> set[str]:
    source = ast.parse(textwrap.dedent(inspect.getsource(base)))
    return names_of_class(source) | set(filter(is_private, vars(base)))


def derived(file: Path) -> Iterator[tuple[type, ast.ClassDef]]:
    module = import_module(module_of(file))
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        kind = getattr(module, node.name, None) if isinstance(node, ast.ClassDef) else None
        if isinstance(node, ast.ClassDef) and isinstance(kind, type):
            yield kind, node


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_no_other_module_imports_a_private_name(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    imported = [f"{module}.{name}" for module, name in twisted_imports(tree)]
    assert [path for path in imported if any(map(is_private, path.split(".")))] == []


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_every_private_attribute_is_listed(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    theirs = set(reads(tree)) & names_of_twisted(tree)
    assert theirs - LISTED - OWN_NAMES.get(name_of(file), set()) == set()


@pytest.mark.skipif(__version__ != TESTED[-1], reason="The classes of other versions differ.")
@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_every_private_name_that_a_class_shares_with_its_base_is_listed(file: Path) -> None:
    shared = {
        (f"{base.__module__}:{base.__qualname__}", name)
        for kind, node in derived(file)
        for base in kind.__mro__[1:]
        if base.__module__.split(".")[0] == "twisted" and not issubclass(base, ropewalk.dropin.Request)
        for name in names_of_class(node) & names_of_base(base)
    }
    assert shared - {(attribute.owner, attribute.name) for attribute in ATTRIBUTES} == set()


def test_every_name_is_used() -> None:
    sources = "\n".join(file.read_text(encoding="utf-8") for file in FILES)
    sources += TABLES.read_text(encoding="utf-8").partition("def __getattr__")[2]
    unused = [name for name in (*NAMES, *LISTED) if not re.search(rf"\b{name}\b", sources)]
    assert unused == []


@pytest.mark.parametrize("name", [with_websocket(name) if "WebSocket" in name else name for name in NAMES])
def test_twisted_has_every_name(name: str) -> None:
    entry = NAMES[name]
    found = getattr(twisted_private, name)
    assert found is getattr(import_module(entry.module), entry.name, found if entry.earlier else None)


@pytest.mark.parametrize("attribute", ATTRIBUTES, ids=lambda each: f"{each.owner}.{each.name}")
def test_twisted_has_every_attribute(attribute: Attribute) -> None:
    if attribute.optional and __version__ != TESTED[-1]:
        pytest.skip("This Twisted need not have it.")
    assert is_there(attribute)


def test_names_of_headers_are_encoded_as_by_twisted() -> None:
    headers = Headers({b"x-odd-NAME": [b"value"], b"etag": [b"value"], b"www-authenticate": [b"value"]})
    encoder = twisted_private.name_encoder
    assert [encoder.encode(name) for name in (b"x-odd-NAME", b"etag", b"www-authenticate")] == [
        name for name, _ in headers.getAllRawHeaders()
    ]
    assert encoder._canonicalHeaderCache[b"x-odd-NAME"] == b"X-Odd-Name"


@pytest.mark.parametrize(
    ("version", "tested"),
    [
        ("24.3.0", False),
        ("24.7.0", True),
        ("24.10.0rc1", True),
        ("25.5.0", True),
        ("26.10.0", True),
        ("26.10.1", True),
        ("26.11.0rc1", False),
        ("27.1.0", False),
    ],
)
def test_an_untested_version_is_logged(version: str, tested: bool) -> None:
    events: list[LogEvent] = []
    observer: Any = events.append
    globalLogPublisher.addObserver(observer)
    try:
        warn_of_untested(version)
    finally:
        globalLogPublisher.removeObserver(observer)
    lines = [] if tested else [f"RW756 Twisted {version} is not tested: 24.7.0 to 26.10.0 are. {REMEDY}"]
    assert [formatEvent(event) for event in events] == lines


def test_the_drop_in_logs_an_untested_version_once() -> None:
    program = """
import twisted, sys
twisted.__version__ = "99.1.0"
from twisted.logger import globalLogPublisher, formatEvent
globalLogPublisher.addObserver(lambda event: print(formatEvent(event)))
import ropewalk
assert "ropewalk.dropin" not in sys.modules
import ropewalk.dropin
import ropewalk.dropin.entry.monkeypatch
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == f"RW756 Twisted 99.1.0 is not tested: 24.7.0 to 26.10.0 are. {REMEDY}\n"


def test_the_command_line_reports_a_missing_name(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("print('has run')")
    preparing = "from twisted.web import http; del http.HTTPChannel._respondToBadRequestAndDisconnect"
    program = f"{preparing}; from ropewalk.cli import main; main(['exec', 'program.py'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "RW755" in done.stderr
    assert "HTTPChannel._respondToBadRequestAndDisconnect" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_name(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = Name("twisted.web.http", "_missing", "writes something")
    monkeypatch.setitem(NAMES, "escape", missing)
    monkeypatch.delitem(vars(twisted_private), "escape", raising=False)
    with pytest.raises(StartError) as raised:
        _ = twisted_private.escape
    assert raised.value.code == "RW755"
    assert f"Twisted {__version__} has no twisted.web.http._missing (writes something)." in str(raised.value)
    assert f"Tested versions: {', '.join(TESTED)}." in str(raised.value)


def test_a_missing_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "twisted.web._websocket_impl", None)
    monkeypatch.delitem(vars(twisted_private), "WebSocketWireProtocol", raising=False)
    with pytest.raises(StartError, match="RW755 .*_WebSocketWireProtocol"):
        _ = twisted_private.WebSocketWireProtocol


@pytest.mark.parametrize(
    ("owner", "name"), [("twisted.web.http:HTTPFactory", "_logFile"), ("twisted.web.server:Request", "_inFakeHead")]
)
def test_a_missing_attribute(owner: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, _, kind = owner.partition(":")
    found: Any = getattr(import_module(module), kind)
    stripped = type(kind, (), {})
    monkeypatch.setattr(import_module(module), kind, stripped)
    with pytest.raises(StartError, match=rf"RW755 .*{owner.replace(':', '.')}\.{name} "):
        check("dropin")
    monkeypatch.setattr(import_module(module), kind, found)
    check("dropin")


def test_an_unknown_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'unknown_name'"):
        _ = twisted_private.unknown_name
