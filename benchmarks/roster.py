"""The peers: how each is started, the endpoints that it lacks, and notes for readers of its figures."""

import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.peers import contract
from benchmarks.prepare import CEILING, HERE, PYTHON

PROGRAMS: Final = HERE / "peers"
NO_DEFERRED: Final = {"sleep-deferred": "no Deferreds"}
NO_ASYNCIO: Final = {"sleep": "no asyncio on this reactor"}
ALWAYS_COROUTINE: Final = {"coroutine": "every handler is a coroutine: see plain text"}
NO_COROUTINE: Final = {"coroutine": "no coroutine handlers"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One server program."""

    name: str
    title: str
    command: Callable[[int, Path], list[str]]
    """Returns the command line for a port and an empty folder."""
    versions: tuple[str, ...]
    """The distributions whose versions are in the report."""
    lacks: Mapping[str, str] = field(default_factory=dict)
    """The reason for each endpoint that it does not offer."""
    only: str = ""
    """The only endpoint that it offers, if it is not a general server."""
    note: str = ""
    folder: Path = PROGRAMS
    """The folder of the programs, which is on their path."""
    ours: bool = False

    def why_not(self, endpoint: str) -> str:
        """Why it does not offer this endpoint; empty if it does."""
        if self.only and endpoint != self.only:
            return f"serves {self.only} only"
        return self.lacks.get(endpoint, "")

    def version(self) -> str:
        """The names and versions of its distributions; empty if it is not installed."""
        found = [version(name) for name in self.versions]
        return ", ".join(found) if all(found) else ""


def version(name: str) -> str:
    if name == "ceiling":
        return "ceiling 0.1.0"
    if name == "ropewalk":
        return ropewalk_version()
    if name == "nginx":
        path = nginx()
        shown = subprocess.run([path, "-v"], capture_output=True, text=True, check=True).stderr if path else ""
        found = re.search(r"nginx/([\d.]+)", shown)
        return f"nginx {found[1]}" if found else ""
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return ""


def ropewalk_version() -> str:
    if importlib.util.find_spec("ropewalk") is None:
        return ""
    command = [str(PYTHON), "-c", "import ropewalk; print(ropewalk.__version__)"]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"ropewalk {shown.stdout.strip()}" if shown.returncode == 0 else ""


def nginx() -> str | None:
    return shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/bin")


def program(name: str) -> Callable[[int, Path], list[str]]:
    return lambda port, folder: [str(PYTHON), str(PROGRAMS / name), str(port)]


def ropewalk_cli(port: int, folder: Path) -> list[str]:
    options = ["--port", str(port), "--access-log", "off", "--log-level", "warn"]
    return [str(PYTHON), "-m", "ropewalk", "run", str(PROGRAMS / "ropewalk_app.py"), *options]


def ceiling(port: int, folder: Path) -> list[str]:
    return [str(CEILING), str(port)]


def uvicorn(target: str) -> Callable[[int, Path], list[str]]:
    options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "error"]
    options += ["--timeout-keep-alive", str(contract.KEEP_ALIVE), "--backlog", "1024"]
    return lambda port, folder: [str(PYTHON), "-m", "uvicorn", target, "--port", str(port), *options]


def granian(interface: str, target: str) -> Callable[[int, Path], list[str]]:
    options = ["--interface", interface, "--loop", "uvloop", "--http", "1", "--no-ws", "--log-level", "error"]
    options += ["--backpressure", "20000"]  # Its default limit of connections is 1,024.
    return lambda port, folder: [str(PYTHON), "-m", "granian", target, "--port", str(port), *options]


def nginx_command(port: int, folder: Path) -> list[str]:
    text = (PROGRAMS / "nginx.conf").read_text()
    for word, value in {"PORT": port, "FILES": contract.FILES, "RUN": folder}.items():
        text = re.sub(rf"\b{word}\b", str(value), text)
    (folder / "nginx.conf").write_text(text)
    return [str(nginx()), "-p", str(folder), "-c", str(folder / "nginx.conf")]


PEERS: Final = (
    Peer(
        name="ceiling",
        title="the raw ceiling",
        command=ceiling,
        versions=("ceiling",),
        only="plaintext",
        note="An epoll loop of ours in Rust that sends one fixed response and parses nothing: the unit of the ratios.",
    ),
    Peer(
        name="ropewalk",
        title="**Ropewalk**, command line on uvloop",
        command=ropewalk_cli,
        versions=("ropewalk",),
        ours=True,
    ),
    Peer(
        name="ropewalk-epoll",
        title="**Ropewalk**, `App.listen` on the epoll reactor",
        command=program("ropewalk_app.py"),
        versions=("ropewalk",),
        lacks=NO_ASYNCIO,
        ours=True,
    ),
    Peer(
        name="ropewalk-site",
        title="**Ropewalk**, `Site` on the epoll reactor",
        command=program("ropewalk_site.py"),
        versions=("ropewalk",),
        lacks=NO_ASYNCIO,
        ours=True,
    ),
    Peer(
        name="fastpysgi",
        title="fastpysgi (WSGI)",
        command=program("fastpysgi_app.py"),
        versions=("fastpysgi",),
        lacks=NO_DEFERRED | NO_COROUTINE | {"sleep": "WSGI: a sleep stops the only thread"},
        note="C, libuv and llhttp; WSGI, called inline, so no handler can wait. Buffers a request's body.",
    ),
    Peer(
        name="socketify",
        title="socketify",
        command=program("socketify_app.py"),
        versions=("socketify",),
        lacks=NO_DEFERRED,
        note="uWebSockets by CFFI. It polls without rest, which its CPU shows where the load is light.",
    ),
    Peer(
        name="granian-rsgi",
        title="granian (RSGI)",
        command=granian("rsgi", "rsgi_app:app"),
        versions=("granian", "uvloop"),
        lacks=NO_DEFERRED | ALWAYS_COROUTINE,
        note="Made for several cores: its threads share one here.",
    ),
    Peer(
        name="granian-asgi",
        title="granian (ASGI)",
        command=granian("asgi", "asgi_app:app"),
        versions=("granian", "uvloop"),
        lacks=NO_DEFERRED | ALWAYS_COROUTINE,
        note="Made for several cores: its threads share one here.",
    ),
    Peer(
        name="uvicorn",
        title="uvicorn (plain ASGI)",
        command=uvicorn("asgi_app:app"),
        versions=("uvicorn", "httptools", "uvloop"),
        lacks=NO_DEFERRED | ALWAYS_COROUTINE,
        note="An application without a framework, so the least that any framework on it costs.",
    ),
    Peer(
        name="blacksheep",
        title="BlackSheep on uvicorn",
        command=uvicorn("blacksheep_app:app"),
        versions=("blacksheep", "uvicorn", "httptools", "uvloop"),
        lacks=NO_DEFERRED | ALWAYS_COROUTINE,
    ),
    Peer(
        name="sanic",
        title="Sanic",
        command=program("sanic_app.py"),
        versions=("sanic", "httptools", "uvloop"),
        lacks=NO_DEFERRED | ALWAYS_COROUTINE,
    ),
    Peer(
        name="aiohttp",
        title="aiohttp on uvloop",
        command=program("aiohttp_app.py"),
        versions=("aiohttp", "uvloop"),
        lacks=NO_DEFERRED | ALWAYS_COROUTINE,
    ),
    Peer(
        name="robyn",
        title="Robyn",
        command=program("robyn_app.py"),
        versions=("robyn", "uvloop"),
        lacks=NO_DEFERRED,
        note="Plain handlers; no `const` route, which would respond without Python. Buffers a request's body.",
    ),
    Peer(
        name="twisted",
        title="twisted.web",
        command=program("twisted_web.py"),
        versions=("Twisted",),
        lacks=NO_ASYNCIO | NO_COROUTINE,
        note="On the epoll reactor. Buffers a request's body.",
    ),
    Peer(
        name="klein",
        title="Klein",
        command=program("klein_app.py"),
        versions=("klein", "Twisted"),
        lacks=NO_ASYNCIO,
        note="On the epoll reactor. Buffers a request's body.",
    ),
    Peer(
        name="nginx",
        title="nginx",
        command=nginx_command,
        versions=("nginx",),
        only="files",
        note="One worker, `sendfile`.",
    ),
)
