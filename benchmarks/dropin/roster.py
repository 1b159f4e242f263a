"""The races: an unchanged program, the ways to put the engine under it, and the required gain."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from benchmarks.cases import Case, Probe, means, says
from benchmarks.dropin.certificate import CERTIFICATE
from benchmarks.peers.contract import HOST, MESSAGE, TEXT_BYTES
from benchmarks.prepare import DATA, PYTHON
from benchmarks.roster import Peer, granian, uvicorn

PROGRAMS: Final = Path(__file__).parent / "programs"
EQUAL: Final = 0.98
"""Two servers count as equal if their ratio is at least this, because a run cannot measure a smaller difference."""
AHEAD: Final = 1.02
Command = Callable[[int, Path], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """Contenders that send the same response to the same request."""

    case: Case
    stock: tuple[Peer, ...]
    """The baseline. If there are several, the one with the least CPU time."""
    ours: tuple[Peer, ...]
    least: float
    """The required ratio of requests per second of CPU."""
    aim: float

    @property
    def name(self) -> str:
        return self.case.name

    @property
    def peers(self) -> tuple[Peer, ...]:
        return self.stock + self.ours


def python(name: str, *arguments: str) -> Command:
    """A program with the plain interpreter."""
    return lambda port, folder: [str(PYTHON), str(PROGRAMS / name), str(port), *arguments]


def execute(name: str, *arguments: str) -> Command:
    """A program with `ropewalk exec`."""
    return lambda port, folder: [*ropewalk("exec", "--quiet"), str(PROGRAMS / name), str(port), *arguments]


def endpoint(name: str) -> Command:
    """A program that gets its port as an argument."""
    return lambda port, folder: [
        str(PYTHON),
        str(PROGRAMS / name),
        f"ropewalk:tcp:{port}:interface={HOST}:backlog=1024",
    ]


def hosted(interface: Literal["--wsgi", "--asgi"], target: str) -> Command:
    """An application under `ropewalk run`."""
    options = ["--access-log", "off", "--log-level", "warn"]
    return lambda port, folder: [
        *ropewalk("run", interface, "--port", str(port), *options),
        str(PROGRAMS / target),
    ]


def ropewalk(*arguments: str) -> list[str]:
    return [str(PYTHON), "-m", "ropewalk", *arguments]


def peer(name: str, title: str, command: Command, *versions: str) -> Peer:
    return Peer(name=name, title=title, command=command, versions=versions, folder=PROGRAMS)


def stock(command: Command, *versions: str, title: str = "twisted.web") -> Peer:
    return peer("stock", f"{title}, by `python`", command, *versions, "Twisted")


def ours(name: str, title: str, command: Command, *versions: str) -> Peer:
    return Peer(
        name=name,
        title=f"**Ropewalk**, {title}",
        command=command,
        versions=("ropewalk", *versions, "Twisted"),
        folder=PROGRAMS,
        ours=True,
    )


def executed(command: Command, *versions: str) -> Peer:
    return ours("exec", "by `ropewalk exec`", command, *versions)


def get(name: str, title: str, right: Callable[[int, bytes], bool], path: str = "/hello") -> Case:
    return Case(name=name, title=title, endpoint="", path=path, probes=(Probe(path=path, right=right),))


def hello(name: str, title: str) -> Case:
    return get(name, title, says(TEXT_BYTES))


def encrypted(name: str, title: str) -> Case:
    probes = (Probe(path="/hello", right=says(TEXT_BYTES)),)
    return Case(name=name, title=title, endpoint="", path="/hello", probes=probes, scheme="https")


def is_the_file(status: int, body: bytes) -> bool:
    return status == 200 and body == (DATA / "50k.bin").read_bytes()


RACES: Final = (
    Race(
        case=hello("site", "`Site` with a resource, 13 bytes, its log to Twisted's without an observer"),
        stock=(stock(python("hello.py")),),
        ours=(
            executed(execute("hello.py")),
            ours("accelerate", "by `accelerate`", python("hello_accelerated.py")),
            ours("endpoint", "by `ropewalk:`", endpoint("hello_endpoint.py")),
        ),
        least=3,
        aim=5,
    ),
    Race(
        case=hello("site-logged", "`Site` with a resource, 13 bytes, its log to a file"),
        stock=(stock(python("hello_logged.py")),),
        ours=(executed(execute("hello_logged.py")),),
        least=3,
        aim=5,
    ),
    Race(
        case=hello("channel", "The `HTTPChannel` over Twisted's transport, 13 bytes"),
        stock=(stock(python("hello.py")),),
        ours=(ours("channel", "`HTTPChannel.adopts_sockets = False`", python("hello_over_twisted.py")),),
        least=1.3,
        aim=2,
    ),
    Race(
        case=encrypted("channel-tls", "The `HTTPChannel` over Twisted's TLS, 13 bytes"),
        stock=(stock(python("hello_tls.py", str(CERTIFICATE)), "pyOpenSSL"),),
        ours=(executed(execute("hello_tls.py", str(CERTIFICATE)), "pyOpenSSL"),),
        least=1.3,
        aim=2,
    ),
    Race(
        case=hello("klein", "Klein in a `Site`, its log to Twisted's without an observer"),
        stock=(stock(python("klein_site.py"), "klein"),),
        ours=(executed(execute("klein_site.py"), "klein"),),
        least=2.5,
        aim=4,
    ),
    Race(
        case=hello("klein-run", "Klein by `app.run`, its log to the standard output"),
        stock=(stock(python("klein_run.py"), "klein"),),
        ours=(executed(execute("klein_run.py"), "klein"),),
        least=2.5,
        aim=4,
    ),
    Race(
        case=get("file", "`static.File`, 50 KiB", is_the_file, "/50k.bin"),
        stock=(stock(python("file.py", str(DATA))),),
        ours=(executed(execute("file.py", str(DATA))),),
        least=3,
        aim=5,
    ),
    Race(
        case=hello("flask", "Flask"),
        stock=(stock(python("flask_site.py"), "Flask", title="`WSGIResource` of twisted.web"),),
        ours=(
            executed(execute("flask_site.py"), "Flask"),
            ours("wsgi", "by `ropewalk run --wsgi`", hosted("--wsgi", "flask_hello.py:app"), "Flask"),
        ),
        least=2,
        aim=3,
    ),
    Race(
        case=get("fastapi", "FastAPI", means(MESSAGE)),
        stock=(
            peer("uvicorn", "uvicorn", uvicorn("fastapi_hello:app"), "uvicorn", "httptools", "uvloop", "fastapi"),
            peer("granian", "granian", granian("asgi", "fastapi_hello:app"), "granian", "uvloop", "fastapi"),
        ),
        ours=(ours("asgi", "by `ropewalk run --asgi`", hosted("--asgi", "fastapi_hello.py:app"), "uvloop", "fastapi"),),
        least=EQUAL,
        aim=AHEAD,
    ),
)
