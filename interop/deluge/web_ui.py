"""A daemon and its web UI as their user starts them, in a folder of their own, on free ports."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx
from interop.processes import BIN, Process, free_port, program, started

PASSWORD: Final = "deluge"
"""The password of a web UI that is not configured yet."""

ALONE: Final = {
    "dht": False,
    "upnp": False,
    "natpmp": False,
    "lsd": False,
    "utpex": False,
    "new_release_check": False,
    "listen_interface": "127.0.0.1",
    "outgoing_interface": "127.0.0.1",
}
"""Configuration of a daemon that talks to no other host."""

ids: Final = count(1)


@dataclass(frozen=True)
class WebUI:
    """A running web UI and its daemon."""

    process: Process
    daemon: Process
    folder: Path
    url: str
    daemon_port: int

    def client(self) -> httpx.Client:
        """Return a client that trusts Deluge's own certificate."""
        trusted = ssl.create_default_context()
        trusted.check_hostname = False
        trusted.verify_mode = ssl.CERT_NONE
        return httpx.Client(base_url=self.url, verify=trusted, timeout=40)

    @contextmanager
    def user(self) -> Iterator[httpx.Client]:
        """Return a client that is logged in and connected to the daemon."""
        with self.client() as client:
            assert result(client, "auth.login", PASSWORD) is True
            if not result(client, "web.connected"):
                result(client, "web.connect", self.host(client))
            yield client

    def host(self, client: httpx.Client) -> str:
        """The id of the daemon among the hosts in the web UI."""
        for name, *address, _ in result(client, "web.get_hosts"):
            if address == ["127.0.0.1", self.daemon_port]:
                return str(name)
        user, password, _ = (self.folder / "auth").read_text().split()[0].split(":")
        added, name = result(client, "web.add_host", "127.0.0.1", self.daemon_port, user, password)
        assert added, name
        return str(name)


@contextmanager
def running(folder: Path, scheme: str = "http") -> Iterator[WebUI]:
    """Start a daemon and a web UI. Both are stopped at the end of the context."""
    configure(folder / "core.conf", ALONE | {"download_location": str(folder)})
    daemon_port, port = free_port(), free_port()
    common = ("--do-not-daemonize", "--config", folder, "--loglevel", "info")
    with started(BIN / "deluged", *common, "--ui-interface", "127.0.0.1", "--port", str(daemon_port)) as daemon:
        daemon.says(r"Deluge daemon starting|DelugeRPC Server")
        place = ("--interface", "127.0.0.1", "--port", str(port))
        options = ("--ssl",) if scheme == "https" else ()
        with started(*program(BIN / "deluge-web", *common, *place, *options)) as process:
            process.says(rf"Serving at {scheme}://127\.0\.0\.1:{port}")
            yield WebUI(process, daemon, folder, f"{scheme}://127.0.0.1:{port}", daemon_port)


def configure(file: Path, values: dict[str, Any]) -> None:
    """Write a file in Deluge's format: the version, and after it the values."""
    file.write_text(json.dumps({"file": 1, "format": 1}) + json.dumps(values))


def call(client: httpx.Client, method: str, *params: Any) -> dict[str, Any]:
    """Call a method of JSON-RPC and return its response."""
    number = next(ids)
    response = client.post("/json", json={"id": number, "method": method, "params": params})
    assert response.status_code == 200, response.text
    returned: dict[str, Any] = response.json()
    assert returned["id"] == number
    return returned


def result(client: httpx.Client, method: str, *params: Any) -> Any:
    """Return the result of a call that must succeed."""
    returned = call(client, method, *params)
    assert returned["error"] is None, returned
    return returned["result"]
