"""Debian's nginx, HAProxy, Apache httpd and Varnish, each in front of a server. They need no root, and leave no files
or processes."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SECONDS_TO_START = 30
SECONDS_TO_STOP = 10


@dataclass(frozen=True)
class Front:
    """A proxy: its program, the arguments to start it, and its configuration."""

    name: str
    program: str
    """A path, because a user's PATH may lack /usr/sbin."""
    file: str
    arguments: Callable[[Path, int], list[str]]
    """Returns the arguments for a folder, which is writable and contains the configuration, and for a port."""
    frame: str
    """The template of the configuration. FOLDER, PORT (the proxy's), SERVER (a port) and VARIED are replaced."""

    @property
    def is_there(self) -> bool:
        return os.access(self.program, os.X_OK)

    @contextmanager
    def running(self, folder: Path, varied: str, server: int) -> Iterator[int]:
        """Run the proxy in front of a port. Returns the proxy's port."""
        folder.mkdir(mode=0o755)
        port = free_port()
        text = self.frame.replace("VARIED", varied).replace("FOLDER", str(folder))
        (folder / self.file).write_text(text.replace("PORT", str(port)).replace("SERVER", str(server)))
        output = folder / "output"
        with output.open("wb") as log:
            command = [self.program, *self.arguments(folder, port)]
            process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            wait_for(port, process, output)
            yield port
        finally:
            stop(process)
            shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def wait_for(port: int, process: "subprocess.Popen[bytes]", output: Path) -> None:
    """Wait until the proxy accepts connections."""
    until = time.monotonic() + SECONDS_TO_START
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)  # the pause between two attempts
    raise AssertionError(f"{process.args!r} does not serve:\n{output.read_text()}")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End the proxy and all processes that it has started."""
    process.terminate()
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()


NGINX = Front(
    "nginx",
    "/usr/sbin/nginx",
    "nginx.conf",
    lambda folder, _: ["-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"],
    """
    daemon off;
    master_process off;
    pid FOLDER/pid;
    events { worker_connections 256; }
    http {
        access_log off;
        client_body_temp_path FOLDER/body;
        proxy_temp_path FOLDER/proxy;
        fastcgi_temp_path FOLDER/fastcgi;
        uwsgi_temp_path FOLDER/uwsgi;
        scgi_temp_path FOLDER/scgi;
        client_header_timeout 2s;
        client_body_timeout 2s;
        lingering_close off;
        VARIED
    }
    """,
)

HAPROXY = Front(
    "haproxy",
    "/usr/sbin/haproxy",
    "haproxy.cfg",
    lambda folder, _: ["-db", "-f", str(folder / "haproxy.cfg")],
    """
global
    maxconn 256
defaults
    mode http
    timeout connect 5s
    timeout client 2s
    timeout server 10s
    timeout http-request 2s
    timeout http-keep-alive 2s
VARIED
""",
)

APACHE = Front(
    "apache",
    "/usr/sbin/apache2",
    "apache.conf",
    lambda folder, _: ["-d", str(folder), "-f", str(folder / "apache.conf"), "-DFOREGROUND"],
    """
ServerName localhost
Listen 127.0.0.1:PORT
PidFile FOLDER/pid
DefaultRuntimeDir FOLDER
Mutex file:FOLDER default
ErrorLog FOLDER/errors
User nobody
Group nogroup
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
LoadModule unique_id_module /usr/lib/apache2/modules/mod_unique_id.so
LoadModule reqtimeout_module /usr/lib/apache2/modules/mod_reqtimeout.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
StartServers 1
ServerLimit 1
ThreadsPerChild 8
ThreadLimit 8
MaxRequestWorkers 8
MinSpareThreads 1
MaxSpareThreads 8
KeepAliveTimeout 2
RequestReadTimeout header=2 body=2
VARIED
""",
)

VARNISH = Front(
    "varnish",
    "/usr/sbin/varnishd",
    "default.vcl",
    lambda folder, port: [
        *("-F", "-j", "none", "-n", str(folder / "work"), "-f", str(folder / "default.vcl")),
        *("-a", f"127.0.0.1:{port}", "-s", "malloc,16m", "-T", "none"),
        *("-p", "timeout_idle=2", "-p", "timeout_linger=0.01", "-p", "thread_pool_min=10", "-p", "thread_pools=1"),
    ],
    """
vcl 4.1;
VARIED
""",
)

FRONTS = (NGINX, HAPROXY, APACHE, VARNISH)
