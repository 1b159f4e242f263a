"""Synapse: a homeserver on SQLite, and its tests where they have a real channel. Only its source package has them."""

from pathlib import Path

from interop.program import Program, Suite

REAL_CHANNEL = (
    "tests.http",
    "tests.replication",
    "tests.test_server",
    "tests.app",
)
"""Where requests of its tests pass through a channel of twisted.web; most of them have one of their own."""

PROGRAM = Program(
    name="Synapse",
    package="matrix-synapse",
    folder=Path(__file__).parent,
    tests_in="matrix-synapse==1.163.2 --hash=sha256:4583f1cb8ae6e257c67b752148c3f5ec16ccf7d6cc5d8375d88a14ac20f8effe",
    put=("tests",),
    suites=(
        Suite("a homeserver and its clients", "pytest", ("test_homeserver.py",), by_itself=True),
        Suite("its own tests of HTTP", "trial", REAL_CHANNEL),
    ),
)
