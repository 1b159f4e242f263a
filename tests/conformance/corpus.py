"""gunicorn's corpus of requests, from the tests in its source package.

A file of the corpus has one or more requests: `tests/requests/valid/*.http` or `invalid/*.http`. The expected result is
in a Python file with the same name, which is parsed here, not run.
"""

import ast
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.conformance.fetching import CACHE, run
from tests.conformance.reading import Message

REQUIREMENT = Path(__file__).with_name("corpus.txt")

ESCAPED = {b"r\\n": b"\r\n", b"0": b"\0", b"n": b"\n", b"t": b"\t"}


@dataclass
class Case:
    """A file of the corpus."""

    name: str
    data: bytes
    messages: list[Message]
    """The requests that an application must get. Empty if the server must refuse the file."""

    @property
    def lacks_host(self) -> bool:
        """Whether the case has an HTTP/1.1 request without a Host."""
        if self.messages:
            return any(message.version == "1.1" and b"host" not in dict(message.fields) for message in self.messages)
        return b" HTTP/1.1\r\n" in self.data and not re.search(rb"(?im)^host *:", self.data)

    def with_host(self) -> "Case":
        """The same case with a Host in every HTTP/1.1 request."""
        messages = [
            replace(message, fields=[(b"host", b"a"), *message.fields]) if message.version == "1.1" else message
            for message in self.messages
        ]
        return Case(self.name, self.data.replace(b" HTTP/1.1\r\n", b" HTTP/1.1\r\nHost: a\r\n"), messages)


def cases(kind: str) -> list[Case]:
    """Every file of a kind: "valid" or "invalid". Raises UnreachableError."""
    return sorted(unpacked(fetched(), kind), key=lambda case: case.name)


def fetched() -> Path:
    """The package. pip downloads it the first time, and checks its hash."""
    version, digest = re.findall(r"^gunicorn==(\S+) --hash=sha256:(\w+)$", REQUIREMENT.read_text(), re.MULTILINE)[0]
    package = CACHE / f"gunicorn-{version}.tar.gz"
    if not package.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=CACHE) as folder:
            options = ("--quiet", "--no-deps", "--no-binary", "gunicorn", "--require-hashes", "--dest", folder)
            run("-m", "pip", "download", *options, "--requirement", REQUIREMENT)
            (Path(folder) / package.name).replace(package)
    assert sha256(package.read_bytes()).hexdigest() == digest, package
    return package


def unpacked(package: Path, kind: str) -> Iterator[Case]:
    with tarfile.open(package) as archive:
        contents = {
            Path(member.name).name: file.read()
            for member in archive
            if f"/tests/requests/{kind}/" in member.name and (file := archive.extractfile(member))
        }
    for name, data in contents.items():
        if name.endswith(".http"):
            stem = name.removesuffix(".http")
            yield Case(f"{kind}/{stem}", unescaped(data), expected(contents[f"{stem}.py"].decode()))


def unescaped(data: bytes) -> bytes:
    """The bytes that a file describes: line ends are escaped, and unescaped line ends are ignored."""
    return re.sub(
        rb"\\(r\\n|0|n|t|x[0-9A-Fa-f]{2})",
        lambda found: ESCAPED.get(found[1]) or bytes.fromhex(found[1][1:].decode()),
        data.replace(b"\n", b""),
    )


def expected(source: str) -> list[Message]:
    """The requests that a Python file describes. Empty if the file names an exception."""
    names: dict[str, Any] = {}
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            names[statement.targets[0].id] = value_of(statement.value, names)
    described = names["request"]
    if isinstance(described, str):
        return []
    return [message_of(it) for it in (described if isinstance(described, list) else [described])]


def value_of(node: ast.expr, names: dict[str, Any]) -> Any:
    """The value of an expression of the corpus. A name without an assignment is the name of an exception."""
    match node:
        case ast.Constant(value):
            return value
        case ast.Name(name):
            return names.get(name, name)
        case ast.Tuple(items) | ast.List(items):
            return [value_of(item, names) for item in items]
        case ast.Dict(keys, values):
            pairs = zip(keys, values, strict=True)
            return {value_of(key, names): value_of(value, names) for key, value in pairs if key}
        case ast.Call(ast.Name("uri"), [target]):
            return value_of(target, names)
        case ast.Call(ast.Name("Config"), []):
            return None
        case ast.Call(ast.Attribute(text, "replace" | "encode" | "decode" as method), arguments):
            return getattr(value_of(text, names), method)(*(value_of(argument, names) for argument in arguments))
    raise ValueError(ast.unparse(node))


def message_of(described: dict[str, Any]) -> Message:
    major, minor = described["version"]
    return Message(
        described["method"].encode(),
        described["uri"].encode(),
        f"{major}.{minor}",
        lines_of(described["headers"]),
        described["body"] or b"",
        lines_of(described.get("trailers", [])),
        complete=True,
    )


def lines_of(pairs: list[list[str]]) -> list[tuple[bytes, bytes]]:
    """The fields with names in lower case, as our engine reports them. The corpus has names in upper case."""
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs]
