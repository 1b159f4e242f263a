"""Autobahn: its own tests, and echoes through its `WebSocketResource` and that of twisted.web."""

from pathlib import Path

from interop.program import Program, Suite

PROGRAM = Program(
    name="Autobahn",
    package="autobahn",
    folder=Path(__file__).parent,
    suites=(
        Suite("its own tests", "trial", ("autobahn.twisted", "autobahn.websocket")),
        Suite("twisted.web's tests of its WebSocket", "trial", ("twisted.web.test.test_websocket",)),
        Suite("echoes by `WebSocketResource`", "pytest", ("test_autobahn.py",), by_itself=True),
    ),
)
