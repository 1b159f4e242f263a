"""magic-wormhole: its mailbox server, its transit relay, and its command between two processes."""

from pathlib import Path

from interop.program import Program, Suite

PROGRAM = Program(
    name="magic-wormhole",
    package="magic-wormhole",
    folder=Path(__file__).parent,
    tests_in="magic-wormhole==0.24.0 --hash=sha256:c01b4815878e5fbcad7a22cfa190c529349bf271164189a0ad955a34a8d4cde0",
    suites=(
        Suite("a mailbox server and its clients", "pytest", ("test_mailbox.py",), by_itself=True),
        Suite("texts and files, sent and received", "pytest", ("test_transfer.py",), by_itself=True),
        Suite("the servers' own tests", "trial", ("wormhole_mailbox_server", "wormhole_transit_relay")),
        Suite("its own tests, with its servers on Ropewalk", "pytest", ("src/wormhole/test",)),
    ),
)
