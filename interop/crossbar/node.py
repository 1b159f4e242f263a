"""A node of Crossbar, set up as by an administrator: one router, its transports, and the ways to connect to them."""

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import trustme
from interop.autobahn.talking import Talker, talkers
from interop.connecting import Connector, over_unix
from interop.processes import BIN, ON_ROPEWALK, Process, started

HERE: Final = Path(__file__).parent
HOST: Final = "127.0.0.1"
REALM: Final = "realm1"
ROLE: Final = "anonymous"
READY: Final = "NODE_BOOT_COMPLETE"
MOST_CONNECTIONS: Final = 5
"""The number of connections that the transport `few` accepts."""

BIG: Final = bytes(range(256)) * 12_000
"""A file of the node."""
PRODUCED: Final = b"0123456789abcdef" * 4096 * 48
"""The body that the producer in `backend.py` writes."""

WEBSOCKET: Final = {"type": "websocket", "serializers": ["json"]}
BRIDGE: Final = {"realm": REALM, "role": ROLE}
ALLOWED: Final = dict.fromkeys(("call", "register", "publish", "subscribe"), True)
PERMISSIONS: Final = [{"uri": "", "match": "prefix", "allow": ALLOWED}]

WORKER: Final = """\
#!/bin/sh
# Crossbar starts its workers by `python -u -m crossbar.worker.main`.
shift
exec {python} -u -m ropewalk exec "$@"
"""


class Way(Connector):
    """Connect to a transport of the node."""

    def websocket(self, path: str = "/ws", **options: Any) -> Talker:
        """Connect a client that speaks WAMP in JSON, unless the options name another format."""
        given = {"subprotocols": ["wamp.2.json"], "max_size": None, "close_timeout": 1} | options
        return self.open_websocket(path, **given)


@dataclass(frozen=True)
class Node:
    """A running node."""

    process: Process
    folder: Path
    ways: dict[str, Way]
    """The ways to connect, by the names of the transports."""


@contextmanager
def running(folder: Path, *, by_endpoint: bool = False) -> Iterator[Node]:
    """A node in this folder.

    To run on Ropewalk, the worker is started by `ropewalk exec`, or the endpoints have the prefix `ropewalk:`.
    """
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    _write_files(folder, authority)
    ports = _free_ports("web", "tls", "universal", "few")
    prefix = "ropewalk:" if ON_ROPEWALK else ""
    if by_endpoint:
        at = f"interface={HOST}"
        endpoints = {
            "web": _described(f"{prefix}tcp:{ports['web']}:{at}"),
            "tls": _described(
                f"{prefix}ssl:{ports['tls']}:{at}:privateKey={folder / 'key.pem'}:certKey={folder / 'chain.pem'}"
            ),
            "unix": _described(f"{prefix}unix:{folder / 'socket'}"),
            "few": _described(f"{prefix}tcp:{ports['few']}:{at}"),
        }
    else:
        files = {"key": "../key.pem", "certificate": "../chain.pem"}
        endpoints = {
            "web": _tcp(ports["web"]),
            "tls": _tcp(ports["tls"]) | {"tls": files},
            "unix": {"type": "unix", "path": "../socket"},
            "few": _tcp(ports["few"]),
            "universal": _tcp(ports["universal"]),
        }
    options: dict[str, Any] = {"pythonpath": [str(HERE)]}
    if ON_ROPEWALK and not by_endpoint:
        options["python"] = str(_executable(folder / "worker", WORKER.format(python=BIN / "python")))
    configuration = _configuration(endpoints, options, ports["web"])
    settings = folder / ".crossbar"
    settings.mkdir()
    (settings / "config.json").write_text(json.dumps(configuration, indent=2))
    command = (BIN / "crossbar", "start", "--cbdir", settings)
    with started(*command, cwd=folder) as process, talkers() as talker:
        process.says(READY)
        ways = {name: Way(partial(_over_tcp, ports[name]), talker) for name in endpoints if name in ports}
        ways["tls"] = Way(ways["tls"].raw, talker, context)
        ways["unix"] = Way(partial(over_unix, folder / "socket"), talker)
        yield Node(process, folder, ways)


def _configuration(endpoints: dict[str, Any], options: dict[str, Any], web_port: int) -> dict[str, Any]:
    paths = {
        "/": {"type": "static", "directory": "../files"},
        "add": {"type": "path", "paths": {"json": {"type": "json", "value": [1, 2]}}},
        "call": BRIDGE | {"type": "caller"},
        "cgi": {"type": "cgi", "directory": "../cgi", "processor": str(BIN / "python")},
        "echo": {"type": "resource", "classname": "backend.Echo"},
        "hook": BRIDGE | {"type": "webhook", "options": {"topic": "example.hook"}},
        "info": {"type": "nodeinfo"},
        "json": {"type": "json", "value": {"name": "ä"}},
        "moved": {"type": "redirect", "url": "/json"},
        "publish": BRIDGE | {"type": "publisher"},
        "reverse": {"type": "reverseproxy", "host": HOST, "port": web_port, "path": ""},
        "ws": WEBSOCKET,
        "wsgi": {"type": "wsgi", "module": "backend", "object": "app"},
    }
    transports: list[dict[str, Any]] = [
        {"id": name, "type": "web", "endpoint": endpoint, "paths": paths}
        for name, endpoint in endpoints.items()
        if name != "universal"
    ]
    for transport in transports:
        if transport["id"] == "few":
            transport["max_connections"] = MOST_CONNECTIONS
    if "universal" in endpoints:
        universal = {"rawsocket": {"serializers": ["json"]}, "websocket": {"ws": WEBSOCKET}, "web": {"paths": paths}}
        transports.append({"id": "universal", "type": "universal", "endpoint": endpoints["universal"], **universal})
    worker = {
        "id": "router",
        "type": "router",
        "options": options,
        "realms": [{"name": REALM, "roles": [{"name": ROLE, "permissions": PERMISSIONS}]}],
        "transports": transports,
        "components": [{"type": "class", "classname": "backend.Backend", "realm": REALM, "role": ROLE}],
    }
    return {"version": 2, "controller": {}, "workers": [worker]}


def _write_files(folder: Path, authority: trustme.CA) -> None:
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "chain.pem")
    for name in ("files", "cgi"):
        (folder / name).mkdir()
    (folder / "files" / "index.html").write_text("<p>a page</p>")
    (folder / "files" / "big.bin").write_bytes(BIG)
    (folder / "cgi" / "script.py").write_text("print('Content-Type: text/plain\\n\\nby a script')\n")


def _executable(file: Path, text: str) -> Path:
    file.write_text(text)
    file.chmod(0o755)
    return file


def _tcp(port: int) -> dict[str, Any]:
    return {"type": "tcp", "port": port, "interface": HOST}


def _described(description: str) -> dict[str, Any]:
    return {"type": "twisted", "server_string": description}


def _free_ports(*names: str) -> dict[str, int]:
    """The ports are chosen here, because the configuration must contain them."""
    servers = [socket.create_server((HOST, 0)) for _ in names]
    try:
        return {name: server.getsockname()[1] for name, server in zip(names, servers, strict=True)}
    finally:
        for server in servers:
            server.close()


def _over_tcp(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), timeout=10)
