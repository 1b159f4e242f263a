"""Crossbar: a router with its web services, WAMP over WebSocket and RawSocket, and its own tests."""

from pathlib import Path

from interop.program import LeftOut, Program, Suite

OWN_TESTS = (
    "crossbar.bridge",
    "crossbar.common",
    "crossbar.node",
    "crossbar.router",
    "crossbar.webservice",
    "crossbar.worker",
)
"""The packages with tests of its transports. The others test its shell, logs and files."""

WITHOUT_HOST = LeftOut(
    "An HTTP/1.1 request without a Host gets 400 (RFC 9112, section 3.2).",
    ("test_unisocket.UniSocketTests.test_web_with_factory",),
)

PROGRAM = Program(
    name="Crossbar",
    package="crossbar",
    folder=Path(__file__).parent,
    suites=(
        Suite("a node and its clients", "pytest", ("test_node.py",), by_itself=True),
        Suite("its own tests of transports and services", "trial", OWN_TESTS, left_out=(WITHOUT_HOST,)),
    ),
)
