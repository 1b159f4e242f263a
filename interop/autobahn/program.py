"""Autobahn: echo servers with Autobahn's `WebSocketResource`, and with twisted.web's."""

from pathlib import Path

from interop.program import LeftOut, Program, Suite

PROGRAM = Program(
    name="Autobahn",
    package="autobahn",
    folder=Path(__file__).parent,
    suites=(
        Suite(
            "echoes by `WebSocketResource`, its own and twisted.web's", "pytest", ("test_autobahn.py",), by_itself=True
        ),
        Suite(
            "twisted.web's own tests of WebSocket",
            "trial",
            ("twisted.web.test.test_websocket",),
            left_out=(
                LeftOut(
                    "102 is not a final response: an interim status cannot end a request (RFC 9110, section 15.2).",
                    ("WebSocketTests.test_connectionRefusedWeird",),
                ),
            ),
        ),
    ),
)
