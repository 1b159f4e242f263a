"""The ways to connect to the echo server: over TCP, TLS and a UNIX socket."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import trustme
from interop.processes import Process, program, started
from talking import Talker, talkers
from websockets.asyncio.client import connect, unix_connect

SERVER: Final = Path(__file__).with_name("server.py")
LISTENS: Final = r"^listens on (\S+)$"
HOST: Final = "127.0.0.1"
PATIENCE: Final = 5
"""Seconds for an event that normally happens at once."""
OPTIONS: Final[dict[str, Any]] = {"max_size": None, "close_timeout": 1}


@dataclass
class Served:
    """A running server."""

    process: Process
    open: Callable[..., Talker]
    """Connect a WebSocket to a path, by the client of websockets and with its options."""
    dial: Callable[[], socket.socket]
    """A bare connection."""
    url: str = ""
    """The server's URL for WebSocket. A UNIX socket has none."""
    authority: Path | None = None
    """The certificate of the authority, if the server uses TLS."""

    def loses(self, path: str, reason: str, said: int) -> None:
        """Wait until the protocol at this path has received this reason.

        Over TLS, any reason counts, because TLS has its own.
        """
        self.process.says(f"lost {path} {r'Connection' if self.authority else reason}", after=said, seconds=PATIENCE)


@contextmanager
def over_tcp(folder: Path) -> Iterator[Served]:
    with started(*program(SERVER, f"tcp:0:interface={HOST}")) as process, talkers() as talker:
        port = int(process.says(LISTENS)[1])
        url = f"ws://{HOST}:{port}"

        def open_(path: str, **options: Any) -> Talker:
            return talker(lambda: connect(url + path, **OPTIONS | options))

        yield Served(process, open_, partial(socket.create_connection, (HOST, port), timeout=10), url)


@contextmanager
def over_tls(folder: Path) -> Iterator[Served]:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    key, chain, root = folder / "key.pem", folder / "chain.pem", folder / "root.pem"
    certificate.private_key_pem.write_to_path(key)
    certificate.cert_chain_pems[0].write_to_path(chain)
    authority.cert_pem.write_to_path(root)
    context = ssl.create_default_context(cafile=root)
    description = f"ssl:0:interface={HOST}:privateKey={key}:certKey={chain}"
    with started(*program(SERVER, description)) as process, talkers() as talker:
        port = int(process.says(LISTENS)[1])
        url = f"wss://localhost:{port}"

        def open_(path: str, **options: Any) -> Talker:
            return talker(lambda: connect(url + path, ssl=context, host=HOST, **OPTIONS | options))

        def dial() -> socket.socket:
            return context.wrap_socket(socket.create_connection((HOST, port), timeout=10), server_hostname="localhost")

        yield Served(process, open_, dial, url, root)


@contextmanager
def over_unix(folder: Path) -> Iterator[Served]:
    place = str(folder / "socket")
    with started(*program(SERVER, f"unix:{place}")) as process, talkers() as talker:
        process.says(LISTENS)

        def open_(path: str, **options: Any) -> Talker:
            return talker(lambda: unix_connect(place, f"ws://localhost{path}", **OPTIONS | options))

        def dial() -> socket.socket:
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(10)
            client.connect(place)
            return client

        yield Served(process, open_, dial)


WAYS: Final = {"tcp": over_tcp, "tls": over_tls, "unix": over_unix}
