"""Sockets from systemd: the protocol of sd_listen_fds(3)."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest
from twisted.internet.endpoints import _SystemdParser
from twisted.python.systemd import ListenFDs

from ropewalk.errors import StartError
from ropewalk.server import systemd_sockets
from ropewalk.server.endpoint_descriptions import Inherited, parse_endpoint
from ropewalk.server.systemd_sockets import NotActivated, activated_sockets

Activate = Callable[..., None]


@pytest.fixture
def activate(monkeypatch: pytest.MonkeyPatch) -> Activate:
    """Restart the process with these variables, which Twisted has not read yet."""

    def start(names: str | None = None, *, count: str = "2", process: int | str | None = None) -> None:
        monkeypatch.setattr(_SystemdParser, "_sddaemon", ListenFDs([]))
        monkeypatch.setattr(systemd_sockets, "FIRST", 900)  # descriptors that are not open
        monkeypatch.setenv("LISTEN_PID", str(process or os.getpid()))
        monkeypatch.setenv("LISTEN_FDS", count)
        if names is None:
            monkeypatch.delenv("LISTEN_FDNAMES", raising=False)
        else:
            monkeypatch.setenv("LISTEN_FDNAMES", names)

    return start


def refusal(description: str) -> str:
    with pytest.raises(StartError) as caught:
        parse_endpoint(description)
    assert caught.value.code == "RW401"
    return str(caught.value)


def test_without_names(activate: Activate) -> None:
    activate()
    assert parse_endpoint("systemd:domain=INET:index=1") == Inherited(901)
    activate(count="1")
    assert parse_endpoint("systemd:INET") == Inherited(900)
    activate()
    assert parse_endpoint("systemd:INET:index=0:halfClose=yes") == Inherited(900, half_close=True)
    activate()
    assert "has given its sockets no names (LISTEN_FDNAMES is not set)" in refusal("systemd:INET:name=web")


def test_by_name(activate: Activate) -> None:
    activate("web:admin")
    assert parse_endpoint("systemd:INET:name=admin") == Inherited(901)
    activate("web:admin")
    assert "no socket with the name other, only web, admin." in refusal("systemd:INET:name=other")


def test_several_sockets_with_one_name(activate: Activate) -> None:
    activate("web:admin:web", count="3")
    assert "2 sockets of the name web: choose one by index=0 to index=1." in refusal("systemd:INET:name=web")
    activate("web:admin:web", count="3")
    assert parse_endpoint("systemd:INET:name=web:index=1") == Inherited(902)
    activate("web:admin:web", count="3")
    assert "choose one by index=0 to index=1" in refusal("systemd:INET:name=web:index=2")


def test_one_of_several_has_to_be_chosen(activate: Activate) -> None:
    activate()
    assert "2 sockets: choose one by index=0 to index=1." in refusal("systemd:INET")
    activate(count="1")
    assert "1 socket: that has index=0." in refusal("systemd:INET:index=1")


@pytest.mark.parametrize("domain", ["INET", "INET6", "UNIX"])
def test_domains(activate: Activate, domain: str) -> None:
    activate(count="1")
    assert parse_endpoint(f"systemd:domain={domain}:index=0") == Inherited(900)


def test_an_unknown_domain(activate: Activate) -> None:
    activate()
    assert "the domain must be INET, INET6 or UNIX, not 'INTE'" in refusal("systemd:domain=INTE:index=0")


def test_sockets_for_another_process(activate: Activate) -> None:
    activate(process=1)
    message = refusal("systemd:INET:index=0")
    assert f"meant for process 1 (LISTEN_PID), and this is {os.getpid()}" in message
    assert "without a shell" in message


@pytest.mark.parametrize("count", ["x", "-1", "0", ""])
def test_an_invalid_count(activate: Activate, count: str) -> None:
    activate(count=count)
    with pytest.raises(NotActivated, match="LISTEN_FDS must be the number of sockets, not"):
        activated_sockets()


def test_as_many_names_as_sockets(activate: Activate) -> None:
    activate("web")
    with pytest.raises(NotActivated, match="LISTEN_FDS says 2 sockets, and LISTEN_FDNAMES has 1 names"):
        activated_sockets()


def test_no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_SystemdParser, "_sddaemon", ListenFDs([]))
    message = refusal("systemd:INET:index=0")
    assert "passed no sockets (LISTEN_PID and LISTEN_FDS are not set). Start it with a systemd service" in message


@pytest.mark.parametrize(
    ("environ", "unset"), [({"LISTEN_FDS": "1"}, "LISTEN_PID"), ({"LISTEN_PID": str(os.getpid())}, "LISTEN_FDS")]
)
def test_one_variable_without_the_other(environ: dict[str, str], unset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_SystemdParser, "_sddaemon", ListenFDs([]))
    monkeypatch.setattr(systemd_sockets, "_environment", lambda: environ)
    assert f"passed no sockets ({unset} is not set)." in refusal("systemd:INET:index=0")


def test_children_do_not_inherit_them(activate: Activate) -> None:
    activate("web:admin")
    activated_sockets()
    assert not {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} & set(os.environ)


LAUNCH = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", **dict(each.split("=") for each in sys.argv[3:]))
os.execv(sys.executable, [sys.executable, "-c", sys.argv[2]])
"""

PROGRAM = """
import os, {first}
from twisted.internet.pollreactor import PollReactor
from ropewalk import App
port = App().listen(PollReactor(), "systemd:domain=INET:{which}")
print(port.getHost().port, os.get_inheritable(3), [name for name in os.environ if name.startswith("LISTEN_")])
"""


@pytest.mark.parametrize("first", ["sys", "twisted.internet.endpoints"])
@pytest.mark.parametrize(("names", "which"), [([], "index=0"), (["LISTEN_FDNAMES=web"], "name=web")])
def test_in_a_process_that_systemd_started(first: str, names: list[str], which: str) -> None:
    """The sockets are found even if Twisted was imported before and has already parsed the variables."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        descriptor = listening.fileno()
        program = PROGRAM.format(first=first, which=which)
        done = subprocess.run(
            [sys.executable, "-c", LAUNCH, str(descriptor), program, *names],
            pass_fds=[descriptor],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout == f"{listening.getsockname()[1]} False []\n", done.stderr
