"""Deluge: its daemon and its web UI, over JSON-RPC and in a browser, and its own tests of the web UI."""

from pathlib import Path

from interop.program import Program, Suite

PROGRAM = Program(
    name="Deluge",
    package="deluge",
    folder=Path(__file__).parent,
    tests_in="deluge==2.2.0 --hash=sha256:f0fc64e052334ef294ca3951975dd926f129d62813f6c909bb523d914abe6537",
    suites=(
        Suite("a web UI and its clients", "pytest", ("test_web_ui.py",), by_itself=True),
        Suite("a web UI in a browser", "pytest", ("test_browser.py",), by_itself=True),
        Suite(
            "its own tests of HTTP",
            "pytest",
            tuple(
                f"deluge/tests/test_{name}.py"
                for name in ("httpdownloader", "json_api", "web_api", "web_auth", "webserver")
            ),
            ("-m", "not internet", "--timeout=90"),
        ),
    ),
)
