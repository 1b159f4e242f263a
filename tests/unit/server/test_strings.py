"""Endpoint descriptions."""

import pytest
from twisted.internet.endpoints import _SystemdParser
from twisted.python.systemd import ListenFDs

from ropewalk.errors import StartError
from ropewalk.server.strings import Inherited, Listener, Tcp, Unix, parse_endpoint, tcp_endpoint


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("tcp:8080", Tcp("0.0.0.0", 8080, None, reuse_port=False)),
        ("tcp:port=80:interface=127.0.0.1", Tcp("127.0.0.1", 80, None, reuse_port=False)),
        ("tcp:80:127.0.0.1:50", Tcp("127.0.0.1", 80, 50, reuse_port=False)),
        ("tcp:80:reusePort=1:backlog=7", Tcp("0.0.0.0", 80, 7, reuse_port=True)),
        ("tcp6:80", Tcp("::", 80, None, reuse_port=False)),
        (r"tcp6:80:interface=\:\:1", Tcp("::1", 80, None, reuse_port=False)),
        ("unix:/run/app.sock", Unix("/run/app.sock", None, None)),
        (r"unix:/run/a\:b.sock:mode=660:backlog=9", Unix("/run/a:b.sock", 0o660, 9)),
        ("unix:/run/a=b.sock", Unix("/run/a=b.sock", None, None)),
        ("fd:3", Inherited(3)),
    ],
)
def test_what_is_understood(description: str, expected: Listener) -> None:
    assert parse_endpoint(description) == expected


@pytest.mark.parametrize(
    "description",
    [
        "",
        "8080",
        "ssl:443",
        "tcp",
        "tcp:http",
        "tcp:70000",
        "tcp:-1",
        "tcp:80:port=81",
        "tcp:1:2:3:4:5",
        "unix:a:mode=9",
        "fd:x",
    ],
)
def test_what_is_not(description: str) -> None:
    with pytest.raises(StartError, match="RW401"):
        parse_endpoint(description)


def test_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_SystemdParser, "_sddaemon", ListenFDs([3, 4], ["web", "admin"]))
    assert parse_endpoint("systemd:domain=INET:index=1") == Inherited(4)
    assert parse_endpoint("systemd:INET:name=web") == Inherited(3)
    with pytest.raises(StartError, match="handed over 2 sockets"):
        parse_endpoint("systemd:INET:index=2")
    with pytest.raises(StartError, match="no socket of the name other"):
        parse_endpoint("systemd:INET:name=other")


def test_of_a_host_and_a_port() -> None:
    assert parse_endpoint(tcp_endpoint("127.0.0.1", 80)) == Tcp("127.0.0.1", 80, None, reuse_port=False)
    assert parse_endpoint(tcp_endpoint("::1", 80)) == Tcp("::1", 80, None, reuse_port=False)
