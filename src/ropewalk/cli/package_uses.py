"""Finds, in the source text of a program, the features of Ropewalk that need packages which are not installed.

The source is read, because the import of a program ends at its first missing package, before it reaches the others.
"""

import ast
import sys
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ropewalk.errors import relative
from ropewalk.waiting_places import is_users


@dataclass(frozen=True, slots=True)
class Feature:
    """A class or function of Ropewalk that needs a package."""

    package: str
    """The module that must be installed."""
    extra: str
    """The extra that installs it."""
    only_with: frozenset[str] = frozenset()
    """Keyword arguments. If there are any, only calls with one of them need the package."""
    not_with: frozenset[str] = frozenset()
    """Keyword arguments. If there are any, only calls without them need the package."""
    not_beside: str = ""
    """A keyword argument. If any call in a file has it, no use in this file needs the package."""


USED_BY_REQUESTS: Final = {
    "HTTPClient": Feature("httpx2", "client", not_with=frozenset({"app", "transport"}), not_beside="back_end"),
    "hash_password": Feature("argon2", "auth"),
    "needs_rehash": Feature("argon2", "auth"),
    "verify_password": Feature("argon2", "auth"),
}
"""The features that import their package when a request needs it, and not when the program is imported."""

FEATURES: Final = USED_BY_REQUESTS | {
    "BearerJWT": Feature("joserfc", "auth"),
    "TokenIssuer": Feature("joserfc", "auth"),
    "Passwords": Feature("argon2", "auth"),
    "OAuth2Login": Feature("authlib", "oauth"),
    "OpenIDConnect": Feature("authlib", "oauth"),
    "TokenIntrospection": Feature("authlib", "oauth"),
    "MultipartForm": Feature("multipart", "forms"),
    "UploadFile": Feature("multipart", "forms"),
    "JSONPatch": Feature("jsonpatch", "patch"),
    "OpenAPI": Feature("swagger_ui", "openapi", only_with=frozenset({"ui"})),
    "RedisServer": Feature("redis", "redis"),
    "SessionsOptions": Feature("itsdangerous", "sessions", only_with=frozenset({"secret", "keys"})),
    "Templates": Feature("jinja2", "templates"),
    "configure_structlog": Feature("structlog", "logs"),
}
"""The features by the names that programs import."""


@dataclass(frozen=True, slots=True)
class Use:
    """A line of a program that needs a package which is not installed."""

    name: str
    """The name of the feature."""
    place: str
    """The line, such as `app.py:12`."""
    feature: Feature


def missing_uses(files: Iterable[Path]) -> list[Use]:
    """The first use of each missing package in these files, and in the program's files that they import."""
    missing = _missing(FEATURES)
    return _first_uses(_program(files), missing) if missing else []


def missing_uses_by_requests() -> list[Use]:
    """The first use of each package that the imported program needs only for some requests, and that is missing.

    This runs at each start. To save time, it parses only files that contain the name of such a feature.
    """
    missing = _missing(USED_BY_REQUESTS)
    names = [name.encode() for name in missing]
    trees = ((file, _parse(file, names)) for file in loaded_files() if names)
    return _first_uses(((file, tree) for file, tree in trees if tree is not None), missing)


def _missing(features: dict[str, Feature]) -> dict[str, Feature]:
    return {name: each for name, each in features.items() if not is_installed(each.package)}


def _first_uses(trees: Iterable[tuple[Path, ast.Module]], missing: dict[str, Feature]) -> list[Use]:
    found: dict[str, Use] = {}
    for file, tree in trees:
        for use in _uses(file, tree, missing):
            found.setdefault(use.feature.package, use)
    return list(found.values())


def loaded_files() -> list[Path]:
    """The files of the program's modules that are imported."""
    files = [getattr(module, "__file__", None) for module in tuple(sys.modules.values())]
    return [Path(file) for file in files if isinstance(file, str) and file.endswith(".py") and is_users(file)]


def is_installed(package: str) -> bool:
    """Whether a module can be found."""
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):  # ValueError: a module in `sys.modules` has no `__spec__`
        return False


def _program(files: Iterable[Path]) -> Iterator[tuple[Path, ast.Module]]:
    """The syntax trees of files, and of the files of the program that they import."""
    waiting = list(files)
    seen: set[Path] = set()
    while waiting:
        file = waiting.pop(0)
        if file in seen:
            continue
        seen.add(file)
        tree = _parse(file)
        if tree is not None:
            yield file, tree
            waiting += _imported_files(file, tree)


def _parse(file: Path, names: list[bytes] | None = None) -> ast.Module | None:
    """The syntax tree of a file. None if it cannot be parsed, or if it has none of these names."""
    try:
        text = file.read_bytes()
        if names is not None and not any(name in text for name in names):
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the import of the program has shown these warnings
            return ast.parse(text)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


def _imported_files(file: Path, tree: ast.Module) -> Iterator[Path]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
            folders = [Path(folder) for folder in sys.path]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            modules = [base, *(f"{base}.{alias.name}".removeprefix(".") for alias in node.names)]
            folders = [*file.parents[node.level - 1 : node.level]] if node.level else [Path(each) for each in sys.path]
        else:
            continue
        for module in modules:
            yield from _file_of(module, folders)


def _file_of(module: str, folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        path = folder.joinpath(*module.split("."))
        for file in (path / "__init__.py", path.with_suffix(".py")) if module else (folder / "__init__.py",):
            if is_users(str(file)) and file.is_file():
                yield file
                return


def _uses(file: Path, tree: ast.Module, features: dict[str, Feature]) -> Iterator[Use]:
    """The uses of features in a file. The names in import statements are not uses."""
    names: dict[str, str] = {}
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and _is_ours(node.module):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            modules |= {alias.asname or "ropewalk" for alias in node.names if _is_ours(alias.name)}
    if "*" in names:
        names |= {name: name for name in features}

    def name_of(node: ast.Name | ast.Attribute) -> str:
        if isinstance(node, ast.Name):
            return names.get(node.id, "")
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            root = root.value
        return node.attr if isinstance(root, ast.Name) and (root.id in modules or root.id in names) else ""

    calls = {node.func: node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    beside = {keyword for call in calls.values() for keyword in _keywords(call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and (name := name_of(node)) in features:
            feature = features[name]
            if feature.not_beside not in beside and _needs(feature, calls.get(node)):
                yield Use(name, relative(str(file), node.lineno), feature)


def _needs(feature: Feature, call: ast.Call | None) -> bool:
    if call is None:
        return not (feature.only_with or feature.not_with)
    keywords = _keywords(call)
    return not feature.not_with & keywords and (not feature.only_with or bool(feature.only_with & keywords))


def _keywords(call: ast.Call) -> set[str]:
    return {keyword.arg for keyword in call.keywords if keyword.arg}


def _is_ours(module: str | None) -> bool:
    return (module or "").partition(".")[0] == "ropewalk"
