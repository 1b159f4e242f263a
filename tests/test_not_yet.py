"""The page of what is missing agrees with the code: a row leaves the page when its feature comes."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

import ropewalk
from ropewalk import App, Files, middleware
from ropewalk.cli import main
from ropewalk.testing import Client

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "explanation" / "not-yet.md").read_text(encoding="utf-8")
ROWS = re.findall(r"(?m)^\| ([^|]+?) \|", PAGE)

ENGINE = {path.stem for path in (ROOT / "engine" / "src").rglob("*")}
FLAGS = {flag for command in main.commands.values() for option in command.params for flag in option.opts}
MIDDLEWARE = " ".join(vars(middleware)).lower()


def has_module(*names: str) -> bool:
    """Whether a module of the package has one of these names."""
    return any(find_spec(f"ropewalk.{name}") is not None for name in names)


def serves_ranges(folder: Path) -> bool:
    """Whether `Files` sends a part of a file."""
    (folder / "page.txt").write_text("0123456789", encoding="utf-8")
    app = App()
    app.mount("/", Files(folder))
    return Client(app).get("/page.txt", headers={"Range": "bytes=0-3"}).status == 206


EXISTS = {
    "WebSocket": any("websocket" in name.lower() for name in ropewalk.__all__) or has_module("websocket", "websockets"),
    "Socket.IO": has_module("socketio"),
    "HTTP/2": not ENGINE.isdisjoint({"http2", "h2", "hpack"}),
    "HTTP/3": not ENGINE.isdisjoint({"http3", "h3", "quic"}),
    "TLS in the engine": not ENGINE.isdisjoint({"tls", "rustls"}),
    "worker processes": "--workers" in FLAGS,
    "channels: messages between clients or processes": has_module("channels"),
    "compression of responses": "compress" in MIDDLEWARE or has_module("compression"),
    "metrics and tracing": "metrics" in MIDDLEWARE or has_module("metrics", "tracing", "telemetry"),
}
"""For each row of the page, whether its feature exists."""


@pytest.mark.parametrize("row", EXISTS)
def test_a_feature_is_missing_or_its_row(row: str) -> None:
    assert (row in ROWS) != EXISTS[row], f"{row!r}: correct docs/explanation/not-yet.md, README.md and README.zh.md"


def test_ranges(tmp_path: Path) -> None:
    assert ("ranges (`206 Partial Content`)" in ROWS) != serves_ranges(tmp_path)


def test_releases() -> None:
    released = re.findall(r"(?m)^## (?!Unreleased)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert ("releases" in ROWS) != bool(released)


@pytest.mark.parametrize("page", ["README.md", "README.zh.md", "docs/index.md"])
def test_pages_of_introduction_link_it(page: str) -> None:
    assert "explanation/not-yet.md" in (ROOT / page).read_text(encoding="utf-8")
