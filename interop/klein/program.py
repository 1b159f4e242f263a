"""Klein: its tests come with it."""

from pathlib import Path

from interop.program import Program, Suite

PROGRAM = Program(
    name="Klein",
    package="klein",
    folder=Path(__file__).parent,
    suites=(
        Suite("its own tests", "trial", ("klein",)),
        Suite("an app by `app.run`", "pytest", ("test_klein.py",), by_itself=True),
    ),
)
