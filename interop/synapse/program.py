"""Synapse: a homeserver on SQLite, and its tests that use a real channel, which only the source package has."""

from pathlib import Path

from interop.program import LeftOut, Program, Suite

REAL_CHANNEL = (
    "tests.app",  # the first, because some of these tests fail after other tests have failed
    "tests.http",
    "tests.replication",
    "tests.test_server",
    "requests_with_host",
)
"""The tests whose requests pass through a twisted.web channel. Most others have a channel of their own."""

WITHOUT_HOST = LeftOut(
    "An HTTP/1.1 request without a Host gets 400 (RFC 9112, section 3.2). With a Host, all of them pass.",
    tuple(
        f"tests.http.test_site.SynapseRequestTestCase.test_{name}"
        for name in (
            "content_length_too_large",
            "content_type_multipart_0",
            "content_type_multipart_1",
            "content_type_multipart_2",
            "large_request",
        )
    ),
)

PROGRAM = Program(
    name="Synapse",
    package="matrix-synapse",
    folder=Path(__file__).parent,
    tests_in="matrix-synapse==1.163.2 --hash=sha256:4583f1cb8ae6e257c67b752148c3f5ec16ccf7d6cc5d8375d88a14ac20f8effe",
    put=("tests",),
    suites=(
        Suite("a homeserver and its clients", "pytest", ("test_homeserver.py",), by_itself=True),
        Suite("its own tests of HTTP", "trial", REAL_CHANNEL, left_out=(WITHOUT_HOST,)),
    ),
)
