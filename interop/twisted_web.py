"""Twisted itself, in several versions: its own tests of twisted.web, and Ropewalk's tests of the drop-in."""

from pathlib import Path
from typing import Final

from tests.conformance.twisted_web.listing import left_out, names

from interop.program import LeftOut, Program, Suite

REASONS: Final = {
    ("host",): "An HTTP/1.1 request without a Host gets 400 (RFC 9112, section 3.2). With a Host, these tests pass.",
    ("rule", "extension"): "[Ropewalk refuses](twisted-tests.md) the requests, or `exec` avoids an error.",
}
"""The reasons for left-out tests, from `left_out.toml`. Tests that Twisted itself skips do not count."""

OURS: Final = ("tests/unit/dropin", "tests/test_twisted_private.py")


def with_twisted(folder: Path) -> Program:
    """Return the program for the version of Twisted that the lock file in `folder` names."""
    above = "../.."
    return Program(
        name="Twisted",
        package="twisted",
        folder=folder,
        suites=(
            Suite("its own tests of twisted.web", "trial", ("twisted.web",), left_out=tuple(_left_out())),
            Suite(
                "Ropewalk's tests of the drop-in",
                "pytest",
                tuple(f"{above}/{tests}" for tests in OURS),
                ours=True,
            ),
        ),
    )


def _left_out() -> list[LeftOut]:
    groups = left_out("exec")
    return [
        LeftOut(reason, tuple(f".{test}" for test in names(it for it in groups if it.kind in kinds)))
        for kinds, reason in REASONS.items()
    ]
