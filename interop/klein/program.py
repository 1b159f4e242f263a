"""Klein: its own tests, which are installed with it, and an app that `app.run` serves."""

from pathlib import Path

from interop.program import LeftOut, Program, Suite

PROGRAM = Program(
    name="Klein",
    package="klein",
    folder=Path(__file__).parent,
    suites=(
        Suite(
            "its own tests",
            "trial",
            ("klein",),
            left_out=(
                LeftOut(
                    "An HTTP/1.1 request without a Host gets 400 (RFC 9112, section 3.2).",
                    ("RequireURLTests.test_requiresURLBadlyBehavedClient",),
                ),
            ),
        ),
        Suite("an app by `app.run`", "pytest", ("test_klein.py",), by_itself=True),
    ),
)
