"""The servers of magic-wormhole, as their administrators start them: the mailbox, by which two clients meet, and the
transit relay, which carries files between those that cannot connect to each other.
"""

import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import trustme
from interop.autobahn.talking import Talker, talkers
from interop.connecting import Connector, over_unix
from interop.processes import BIN, ON_ROPEWALK, Process, program, started
from interop.raw import handshake

HOST: Final = "127.0.0.1"
PROXY_LINE: Final = b"PROXY TCP4 192.0.2.1 127.0.0.1 4321 80\r\n"
"""The header that a proxy sends in front of a forwarded connection (PROXY protocol, version 1)."""
FORWARDED: Final = {"X-Real-IP": "192.0.2.1", "X-Real-Port": "4321"}
OPTIONS: Final[dict[str, Any]] = {"max_size": None, "close_timeout": 1}


@dataclass(frozen=True, kw_only=True)
class Mailbox(Connector):
    """A running mailbox server."""

    process: Process
    port: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """The headers that a proxy adds. Over a UNIX socket the server needs them."""

    @property
    def url(self) -> str:
        """The URL for the command `wormhole`."""
        return f"ws://{HOST}:{self.port}/v1"

    @property
    def handshake(self) -> bytes:
        """The connection of a client, without a proxy or through one."""
        named = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return handshake("/v1").removesuffix(b"\r\n") + named.encode() + b"\r\n"

    def websocket(self) -> Talker:
        return self.open_websocket("/v1", additional_headers=self.headers, **OPTIONS)


@contextmanager
def mailbox(way: str, folder: Path, *, by_endpoint: bool = False) -> Iterator[Mailbox]:
    """A mailbox server that listens on TCP, TLS, a UNIX socket or behind a proxy, with its database in this folder.

    To run on Ropewalk, it is started by `ropewalk exec`, or its endpoint has the prefix `ropewalk:`.
    """
    place = folder / "socket"
    context = None
    description = f"tcp:0:interface={HOST}"
    match way:
        case "tls":
            authority = trustme.CA()
            context = ssl.create_default_context()
            authority.configure_trust(context)
            certificate = authority.issue_cert("localhost")
            certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
            description = f"ssl:0:interface={HOST}:privateKey={folder / 'server.pem'}"
        case "unix":
            description = f"unix:{place}"
        case "proxied":
            description = f"haproxy:{description}"
    if by_endpoint and ON_ROPEWALK:
        description = f"ropewalk:{description}"
    options = (f"--port={description}", f"--channel-db={folder / 'channel.sqlite'}")
    command = twist("wormhole-mailbox", *options, by_endpoint=by_endpoint)
    with started(*command, cwd=folder) as process, talkers() as talker:
        port = None
        if way == "unix":
            process.says("Site starting on ")
            raw = partial(over_unix, place)
        else:
            port = int(process.says(r"Site(?: \(\w+\))? starting on (\d+)")[1])
            raw = partial(_over_tcp, port, PROXY_LINE if way == "proxied" else b"")
        headers = FORWARDED if way == "unix" else {}
        yield Mailbox(raw, talker, context, process=process, port=port, headers=headers)


@dataclass(frozen=True)
class Relay:
    """A running transit relay."""

    process: Process
    port: int
    websocket_port: int

    @property
    def helper(self) -> str:
        """The address for the command `wormhole`."""
        return f"tcp:{HOST}:{self.port}"


@contextmanager
def relay(folder: Path) -> Iterator[Relay]:
    """A transit relay with a port for TCP and one for WebSocket, whose URL it derives itself."""
    chosen = _free_port()
    at = f"interface={HOST}"
    command = twist("transitrelay", f"--port=tcp:0:{at}", f"--websocket=tcp:{chosen}:{at}")
    with started(*command, cwd=folder) as process:
        assert int(process.says(r"Using WebSocket URL 'ws://localhost:(\d+)/'")[1]) == chosen
        port = int(process.says(r"ServerFactory starting on (\d+)")[1])
        process.says(f"WebSocketServerFactory starting on {chosen}")
        yield Relay(process, port, chosen)


def twist(plugin: str, *options: str, by_endpoint: bool = False) -> tuple[str | Path, ...]:
    """The command that runs a plugin of twist."""
    arguments = (BIN / "twist", "--log-format=text", plugin, *options)
    return arguments if by_endpoint else program(*arguments)


def wormhole(mailbox: Mailbox, relay: Relay, *arguments: str | Path) -> tuple[str | Path, ...]:
    """The command of the users who send and receive. It runs no server, so it is never run on Ropewalk."""
    return (BIN / "wormhole", "--relay-url", mailbox.url, "--transit-helper", relay.helper, *arguments)


def faults(said: str) -> list[str]:
    """Return the unexpected log lines of a server, with some lines of context."""
    lines = said.splitlines()
    found = [at for at, line in enumerate(lines) if re.search("Traceback|Unhandled", line)]
    return ["\n".join(lines[max(at - 3, 0) : at + 25]) for at in found]


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        port: int = server.getsockname()[1]
    return port


def _over_tcp(port: int, first: bytes) -> socket.socket:
    client = socket.create_connection((HOST, port), timeout=10)
    client.sendall(first)
    return client
