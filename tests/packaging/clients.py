"""The requests that the tests of installations send to a running server."""

import re
import socket
import ssl
import subprocess
from pathlib import Path

ADDRESS = re.compile(r"https?://(?:\[[0-9a-f:.]+\]|[0-9.]+):([0-9]+)|starting on ([0-9]+)|unix:(\S+)")
"""The address that a server prints: Ropewalk prints a URL, and Twisted logs the number of the port."""


def port_of(process: "subprocess.Popen[str]") -> int | str:
    """The port on which a process says that it listens, or the path of the UNIX socket. Waits until the process does
    so."""
    assert process.stdout is not None
    output = ""
    for line in process.stdout:
        output += line
        found = ADDRESS.search(line)
        if found:
            number = found[1] or found[2]
            return int(number) if number else found[3]
    raise AssertionError(f"It ended with {process.wait()} before it listened:\n{output}")


def tcp_port_of(process: "subprocess.Popen[str]") -> int:
    """The number of the port on which a process says that it listens."""
    port = port_of(process)
    assert isinstance(port, int)
    return port


def connect(address: int | Path) -> socket.socket:
    """A connection to a port of this machine, or to a UNIX socket."""
    if isinstance(address, int):
        return socket.create_connection(("127.0.0.1", address), 10)
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(str(address))
    return client


def get(address: int | Path, path: str = "/", *, before: str = "", secure: bool = False) -> str:
    """Return the whole response to a request. `before` is sent first, as by a proxy."""
    head = f"{before}GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    with encrypted(connect(address)) if secure else connect(address) as stream:
        stream.sendall(head)
        received = b""
        while data := stream.recv(65536):
            received += data
        return received.decode("latin-1")


def encrypted(client: socket.socket, *protocols: str) -> ssl.SSLSocket:
    """Start TLS on a connection, offering these ALPN protocols. The certificate is not checked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context.wrap_socket(client)
