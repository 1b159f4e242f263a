"""Daphne: its tests are in its source package only."""

from pathlib import Path

from interop.program import Program, Suite

PROGRAM = Program(
    name="Daphne",
    package="daphne",
    folder=Path(__file__).parent,
    tests_in="daphne==4.2.3 --hash=sha256:1c458f81926b37301cadc8ec1b6316d9a5db53fba061fc4826610395fe5d5c81",
    suites=(
        Suite("its own tests", "pytest", ("tests",)),
        Suite(
            "an ASGI app over HTTP and WebSocket", "pytest", ("test_daphne.py",), ("-p", "no:asyncio"), by_itself=True
        ),
    ),
)
