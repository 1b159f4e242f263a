"""Tahoe-LAFS: a grid of `tahoe run`, and its own tests of the web, storage, commands and whole system."""

from pathlib import Path

from interop.program import LeftOut, Program, Suite

STORAGE = (
    "allmydata.test.test_istorageserver",
    "allmydata.test.test_protocol_switch",
    "allmydata.test.test_storage",
    "allmydata.test.test_storage_client",
    "allmydata.test.test_storage_http",
    "allmydata.test.test_storage_https",
    "allmydata.test.test_storage_web",
)

COMMANDS = tuple(
    f"allmydata.test.cli.test_{name}"
    for name in ("alias", "backup", "check", "cli", "cp", "create_alias", "list", "mv", "put", "run", "status")
)
"""The commands that send requests to a node. The others create nodes, some for Tor and I2P, which are not installed."""

WITHOUT_HOST = LeftOut(
    "A request with an empty Host gets 400 (RFC 9110, section 4.2.1). With a host, all of them pass.",
    tuple(
        f"allmydata.test.web.{name}"
        for name in (
            "test_logs.StreamingEliotLogsTests.test_v1",
            "test_private.PrivacyTests.test_authorized",
            "test_private.PrivacyTests.test_unauthorized",
            "test_private.PrivacyTests.test_wrong_scheme",
            "test_private.PrivacyTests.test_wrong_token",
        )
    ),
)

PROGRAM = Program(
    name="Tahoe-LAFS",
    package="tahoe-lafs",
    folder=Path(__file__).parent,
    suites=(
        Suite("a grid and its users", "pytest", ("test_grid.py",), by_itself=True),
        Suite(
            "its own tests of the web",
            "trial",
            ("allmydata.test.web", "requests_with_host"),
            left_out=(WITHOUT_HOST,),
        ),
        Suite("its own tests of storage", "trial", STORAGE),
        Suite("its own tests of a whole system", "trial", ("allmydata.test.test_system",)),
        Suite("its own tests of its commands", "trial", COMMANDS),
    ),
)
