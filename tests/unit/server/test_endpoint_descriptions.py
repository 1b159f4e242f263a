"""Endpoint descriptions."""

from typing import Any

import pytest
from tests.unit.server.fake_reactor import Reactor

from ropewalk import App
from ropewalk.errors import EngineError, StartError
from ropewalk.server.endpoint_descriptions import Inherited, ParsedEndpoint, Tcp, Unix, parse_endpoint, tcp_endpoint


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
        ("tcp:80:halfClose=yes", Tcp("0.0.0.0", 80, None, reuse_port=False, half_close=True)),
        ("tcp6:80:halfClose=1", Tcp("::", 80, None, reuse_port=False, half_close=True)),
        ("tcp:80:halfClose=no", Tcp("0.0.0.0", 80, None, reuse_port=False, half_close=False)),
        ("unix:/run/app.sock:halfClose=yes", Unix("/run/app.sock", None, None, half_close=True)),
        ("fd:3:halfClose=yes", Inherited(3, half_close=True)),
    ],
)
def test_valid_descriptions(description: str, expected: ParsedEndpoint) -> None:
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
def test_invalid_descriptions(description: str) -> None:
    with pytest.raises(StartError, match="RW401"):
        parse_endpoint(description)


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ("tcp:21041:interfce=127.0.0.1", "malformed: tcp has no option interfce. Did you mean interface? Write it as"),
        ("tcp:80:xyz=1", "malformed: tcp has no option xyz. Write it as"),
        ("tcp", 'malformed: the port is missing. Write it as "tcp:8080"'),
        ("unix", 'malformed: the path is missing. Write it as "unix:/run/app.sock", with the options mode, backlog'),
        ("unix:", "the path is missing"),
        ("fd", 'is missing. Write it as "fd:3", with the option halfClose after it as in ":halfClose=...".'),
        ("tcp:http", "the port must be a number from 0 to 65535, not 'http'"),
        ("tcp:80:backlog=x", "the backlog must be a number from 0 to 2147483647, not 'x'"),
        ("tcp:80:reusePort=maybe", "reusePort must be yes or no, not 'maybe'"),
        ("tcp:80:halfClose=maybe", "halfClose must be yes or no, not 'maybe'"),
        ("unix:a:halfclose=yes", "malformed: unix has no option halfclose. Did you mean halfClose? Write it as"),
        ("fd:3:yes", "'yes' is one too many"),
        ("tcp:80:port=81", "the port is given twice, as '80' and '81'"),
        ("tcp6:80:::1:5", r"'5' is one too many (a colon within a value is written \:)"),
        ("unix:a:mode=9", "the mode must be octal, from 000 to 777, such as 660, not '9'"),
        ("unix:a:mode=7777", "the mode must be octal"),
        ("8080", 'For a TCP port write "tcp:8080".'),
        ("/run/app.sock", 'For a UNIX socket write "unix:/run/app.sock".'),
        ("http://localhost:8080", 'Name a port, such as "tcp:8080", and not a URL.'),
        ("ssl:443", "For TLS, listen on tcp and give a certificate: `--tls-certificate`"),
        ("tpc:80", "Did you mean tcp?"),
    ],
)
def test_messages(description: str, message: str) -> None:
    with pytest.raises(StartError) as caught:
        parse_endpoint(description)
    assert message in str(caught.value)


def test_an_escaped_equals_sign_belongs_to_the_value() -> None:
    assert parse_endpoint(r"unix:a\=b.sock") == Unix("a=b.sock", None, None)
    assert parse_endpoint("unix:path=a=b.sock") == Unix("a=b.sock", None, None)


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ("tcp:0:interface=192.0.2.1", "Use an address of this machine"),
        ("tcp:0:interface=name.invalid", "Check the name name.invalid, or use a numeric address."),
        ("unix:/no/such/folder/a.sock", "No such file or directory. Create the directory first."),
        ("unix:/dev/null/a.sock", "Not a directory. Use a path whose parent is a directory."),
        ("unix:/dev/null", "there is a file that is not a socket. Choose another path"),
        (f"unix:/tmp/{'x' * 200}", "Choose a shorter path"),
        ("fd:1000000000", "Bad file descriptor. Use a descriptor that is a listening stream socket"),
    ],
)
def test_the_remedy_fits_the_system_error(description: str, message: str) -> None:
    with pytest.raises(EngineError) as caught:
        App().listen(Reactor(), description)
    assert caught.value.code == "RW502"
    assert message in str(caught.value)


def test_tcp_endpoint() -> None:
    assert parse_endpoint(tcp_endpoint("127.0.0.1", 80)) == Tcp("127.0.0.1", 80, None, reuse_port=False)
    assert parse_endpoint(tcp_endpoint("::1", 80)) == Tcp("::1", 80, None, reuse_port=False)


def test_an_empty_host() -> None:
    with pytest.raises(StartError, match=r"RW401 The host to listen on is empty\. Name 127\.0\.0\.1"):
        tcp_endpoint(" ", 80)


def test_a_host_that_is_not_a_str() -> None:
    host: Any = 8080
    with pytest.raises(
        StartError, match=r"RW401 The host to listen on is 8080, of type int. Name the port: run\(port="
    ):
        tcp_endpoint(host, 80)
    host = None
    with pytest.raises(StartError, match="RW401 The host to listen on is None, of type NoneType. Write it as"):
        tcp_endpoint(host, 80)
