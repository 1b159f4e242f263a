"""treq: its tests come with it, with an httpbin on twisted.web and its WSGI that they ask over TCP and TLS."""

from pathlib import Path

from interop.program import Program, Suite

PROGRAM = Program(
    name="treq",
    package="treq",
    folder=Path(__file__).parent,
    suites=(Suite("its own tests, its httpbin served by us", "trial", ("treq",)),),
)
