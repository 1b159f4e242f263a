"""A homeserver of Synapse, set up as by an administrator:

SQLite, a signing key, and a listener of each kind, on free ports.
"""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import trustme
from interop.processes import Process, program, started

SECRET: Final = "known to administrators"
MOST_BYTES: Final = 2 * 1024 * 1024
"""The largest upload, and so the largest body of any request."""

NO_LIMIT: Final = {"per_second": 10_000, "burst_count": 10_000}
RATES: Final = {
    "rc_message": NO_LIMIT,
    "rc_registration": NO_LIMIT,
    "rc_login": {"address": NO_LIMIT, "account": NO_LIMIT, "failed_attempts": NO_LIMIT},
    "rc_joins": {"local": NO_LIMIT},
    "rc_media_create": NO_LIMIT,
    "rc_room_creation": NO_LIMIT,
}


@dataclass(frozen=True)
class Homeserver:
    """A running homeserver."""

    process: Process
    url: str
    secure_url: str
    socket: Path
    trusted: ssl.SSLContext
    """The authority by which clients verify its certificate."""

    def client(self, token: str = "", **options: Any) -> httpx.Client:
        """A client over TCP. With an access token, it is a user's."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=40, **options)

    def secure_client(self) -> httpx.Client:
        return httpx.Client(base_url=self.secure_url, verify=self.trusted, timeout=40)

    def local_client(self) -> httpx.Client:
        """A client over the UNIX socket, as a proxy in front uses it."""
        return httpx.Client(
            base_url="http://localhost", transport=httpx.HTTPTransport(uds=str(self.socket)), timeout=40
        )


@contextmanager
def running(folder: Path) -> Iterator[Homeserver]:
    """A homeserver that has just been set up in this folder. It is stopped by SIGTERM at the end of the context."""
    socket = folder / "homeserver.sock"
    config = configure(folder, socket)
    command = ("-m", "synapse.app.homeserver", "--config-path", config)
    with started(*program(*command, "--generate-keys"), cwd=folder) as keys:
        assert keys.popen.wait(60) == 0, keys.said
    with started(*program(*command), cwd=folder) as process:
        process.says("Synapse now listening on Unix Socket")
        plain = process.says(r"Synapse now listening on TCP port (\d+)$")
        secure = process.says(r"Synapse now listening on TCP port (\d+) \(TLS\)$")
        yield Homeserver(
            process=process,
            url=f"http://127.0.0.1:{plain[1]}",
            secure_url=f"https://127.0.0.1:{secure[1]}",
            socket=socket,
            trusted=ssl.create_default_context(cafile=folder / "authority.crt"),
        )


def configure(folder: Path, socket: Path) -> Path:
    """Write its configuration and its certificate. Returns the file for its command line."""
    certify(folder)
    resources = [{"names": ["client", "federation", "metrics"]}]
    tcp = {"type": "http", "port": 0, "bind_addresses": ["127.0.0.1"], "resources": resources}
    config = RATES | {
        "server_name": "localhost",
        "pid_file": str(folder / "homeserver.pid"),
        "signing_key_path": str(folder / "signing.key"),
        "media_store_path": str(folder / "media"),
        "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
        "tls_certificate_path": str(folder / "server.crt"),
        "tls_private_key_path": str(folder / "server.key"),
        "registration_shared_secret": SECRET,
        "macaroon_secret_key": "macaroon",
        "form_secret": "form",
        "presence": {"enabled": False},  # a short timeout would end long polls
        "report_stats": False,
        "enable_metrics": True,
        "trusted_key_servers": [],
        "suppress_key_server_warning": True,
        "max_upload_size": MOST_BYTES,
        "listeners": [
            tcp,
            tcp | {"tls": True},
            {"type": "http", "path": str(socket), "x_forwarded": True, "resources": resources},
        ],
    }
    file = folder / "homeserver.yaml"
    file.write_text(json.dumps(config, indent=2))
    return file


def certify(folder: Path) -> None:
    """Create an authority, and a certificate for this host."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(str(folder / "authority.crt"))
    certificate.private_key_pem.write_to_path(str(folder / "server.key"))
    (folder / "server.crt").write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
