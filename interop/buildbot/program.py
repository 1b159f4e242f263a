"""Buildbot: a master, its UI in a browser, and its tests of the web, which only the source package has."""

from pathlib import Path

from interop.program import Program, Suite

THE_WEB = ("buildbot.test.integration.test_www", "buildbot.test.integration.test_telegram_bot")
"""The tests that listen on a port. Tests of single resources use no twisted.web request, and are not packaged."""

PROGRAM = Program(
    name="Buildbot",
    package="buildbot",
    folder=Path(__file__).parent,
    tests_in="buildbot==4.3.0 --hash=sha256:cbf46a15004bb1229712285e4f2b98163a169868ea00783e5e0d7cf8d5e8d962",
    put=("buildbot/test",),
    suites=(
        Suite("a master and its clients", "pytest", ("test_master.py",), by_itself=True),
        Suite("a master in a browser", "pytest", ("test_browser.py",), by_itself=True),
        Suite("its own tests of the web", "trial", ("forgiving", *THE_WEB)),
    ),
)
