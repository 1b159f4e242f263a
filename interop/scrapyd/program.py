"""Scrapyd: a daemon that runs spiders, tested with its JSON API and its pages, and its own tests."""

from pathlib import Path

from interop.program import Program, Suite

PROGRAM = Program(
    name="Scrapyd",
    package="scrapyd",
    folder=Path(__file__).parent,
    tests_in="scrapyd==1.6.0 --hash=sha256:2bc7f43036580b22b1fc8a8cb7d125d32588c8dbd1284b3db2cc28d7fa3bc998",
    suites=(
        Suite("a daemon and its users", "pytest", ("test_daemon.py",), by_itself=True),
        Suite("its own tests", "pytest", ("tests",), ("-W", "default", "-p", "interop.scrapyd.listening")),
    ),
)
