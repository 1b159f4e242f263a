"""Endpoint descriptions, as Twisted writes them, for sockets on which the engine itself accepts."""

from dataclasses import dataclass
from typing import Final

from twisted.internet.endpoints import _SystemdParser

from ropewalk._engine import Engine
from ropewalk.errors import StartError


@dataclass(frozen=True, slots=True)
class Tcp:
    """`tcp:8080`, `tcp:8080:interface=127.0.0.1`, `tcp6:8080:interface=\\:\\:1`."""

    host: str
    port: int
    backlog: int | None
    reuse_port: bool

    def open(self, engine: Engine) -> int:
        """The engine's number for the listening socket. Raises OSError."""
        return engine.listen_tcp(self.host, self.port, backlog=self.backlog, reuse_port=self.reuse_port)


@dataclass(frozen=True, slots=True)
class Unix:
    """`unix:/run/app.sock`, `unix:/run/app.sock:mode=660`."""

    path: str
    mode: int | None
    backlog: int | None

    def open(self, engine: Engine) -> int:
        """As `Tcp.open`."""
        return engine.listen_unix(self.path, mode=self.mode, backlog=self.backlog)


@dataclass(frozen=True, slots=True)
class Inherited:
    """`fd:3`, `systemd:domain=INET:index=0`, `systemd:domain=INET:name=http`."""

    descriptor: int

    def open(self, engine: Engine) -> int:
        """As `Tcp.open`."""
        return engine.listen_descriptor(self.descriptor)


Listener = Tcp | Unix | Inherited

KNOWN: Final = {
    "tcp": ("port", "interface", "backlog", "reusePort"),
    "tcp6": ("port", "interface", "backlog", "reusePort"),
    "unix": ("path", "mode", "backlog"),
    "fd": ("descriptor",),
    "systemd": ("domain", "index", "name"),
}


def parse_endpoint(description: str) -> Listener:
    """Raises StartError (RW401) for what is malformed, and for kinds of endpoints that the engine does not open."""
    kind, *arguments = _split(description)
    if kind not in KNOWN:
        raise StartError(
            "RW401",
            f"{description!r} is not an endpoint on which the engine accepts.",
            f"Use {', '.join(KNOWN)}; for any other, give a Site to Twisted's serverFromString.",
        )
    try:
        return _make(kind, _named(arguments, KNOWN[kind]))
    except (KeyError, ValueError) as error:
        raise StartError("RW401", f"{description!r} is malformed: {error}.") from error


def tcp_endpoint(host: str, port: int) -> str:
    """The description of a host, by number or name, and a port."""
    escaped = host.replace("\\", "\\\\").replace(":", "\\:")
    return f"{'tcp6' if ':' in host else 'tcp'}:{port}:interface={escaped}"


def _make(kind: str, given: dict[str, str]) -> Listener:
    backlog = int(given["backlog"]) if "backlog" in given else None
    if kind in ("tcp", "tcp6"):
        host = given.get("interface") or ("::" if kind == "tcp6" else "0.0.0.0")
        port = int(given["port"])
        if not 0 <= port <= 65535:
            raise ValueError("a port is from 0 to 65535")
        return Tcp(host, port, backlog, given.get("reusePort", "0") not in ("0", "no", "false"))
    if kind == "unix":
        return Unix(given["path"], int(given["mode"], 8) if "mode" in given else None, backlog)
    if kind == "fd":
        return Inherited(int(given["descriptor"]))
    return Inherited(_systemd(given))


def _systemd(given: dict[str, str]) -> int:
    """systemd's sd_listen_fds(3). Twisted takes it out of the environment at import, so that nobody uses it twice."""
    inherited = _SystemdParser._sddaemon  # noqa: SLF001 - where Twisted keeps it
    if "name" in given:
        named = inherited.inheritedNamedDescriptors()
        if given["name"] not in named:
            raise ValueError(f"systemd has handed over no socket of the name {given['name']}")
        return named[given["name"]]
    descriptors = inherited.inheritedDescriptors()
    index = int(given.get("index", "0"))
    if not 0 <= index < len(descriptors):
        raise ValueError(f"systemd has handed over {len(descriptors)} sockets")
    return descriptors[index]


def _named(arguments: list[str], names: tuple[str, ...]) -> dict[str, str]:
    """The arguments by name; those without one take the names in order."""
    given: dict[str, str] = {}
    positional = iter(names)
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals or name not in names:
            name, value = next(positional, ""), argument
        if not name or name in given:
            raise ValueError(f"{argument!r} is one too many")
        given[name] = value
    return given


def _split(description: str) -> list[str]:
    """At colons, except those behind a backslash."""
    parts = [""]
    characters = iter(description)
    for character in characters:
        if character == "\\":
            parts[-1] += next(characters, "")
        elif character == ":":
            parts.append("")
        else:
            parts[-1] += character
    return parts
