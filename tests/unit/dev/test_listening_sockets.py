"""The sockets that the supervisor opens."""

import pytest

from ropewalk.dev.listening_sockets import inherited, open_listening
from ropewalk.errors import EngineError, StartError


def test_a_socket_and_its_description_for_workers() -> None:
    with open_listening("tcp:0:interface=127.0.0.1", 10) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"
        assert inherited("tcp:0:halfClose=yes", listening) == f"fd:{listening.fileno()}:halfClose=yes"
        with open_listening(f"fd:{listening.fileno()}", 10) as copy:
            assert copy.getsockname() == listening.getsockname()


def test_a_port_in_use() -> None:
    with open_listening("tcp:0:interface=127.0.0.1", 10) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(EngineError, match="RW502 .* cannot be listened on: Address already in use"):
            open_listening(f"tcp:{port}:interface=127.0.0.1", 10)


@pytest.mark.parametrize(("description", "code"), [("unix:/tmp/x", "RW311"), ("tcp:", "RW401")])
def test_what_cannot_be_opened(description: str, code: str) -> None:
    with pytest.raises(StartError, match=code):
        open_listening(description, 10)
