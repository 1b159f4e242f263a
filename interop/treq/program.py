"""treq: its own tests. They send requests over TCP and TLS to an httpbin on twisted.web's WSGI."""

from pathlib import Path

from interop.program import Program, Suite

PROGRAM = Program(
    name="treq",
    package="treq",
    folder=Path(__file__).parent,
    suites=(Suite("its own tests, with its httpbin on Ropewalk", "trial", ("treq",)),),
)
