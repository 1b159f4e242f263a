"""Endpoint descriptions, in Twisted's syntax, for sockets on which the engine itself accepts connections."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ropewalk._engine import Engine
from ropewalk.errors import StartError, full_name, is_int
from ropewalk.server.systemd_sockets import ActivatedSocket, NotActivated, activated_sockets
from ropewalk.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class Tcp:
    """An endpoint such as `tcp:8080`, `tcp:8080:interface=127.0.0.1`, `tcp6:8080:interface=\\:\\:1`,
    `tcp:8080:halfClose=yes`."""

    host: str
    port: int
    backlog: int | None
    reuse_port: bool
    half_close: bool = False

    def open(self, engine: Engine) -> int:
        """Open the listening socket and return its number in the engine. Raises OSError."""
        return engine.listen_tcp(
            self.host, self.port, backlog=self.backlog, reuse_port=self.reuse_port, half_close=self.half_close
        )


@dataclass(frozen=True, slots=True)
class Unix:
    """An endpoint such as `unix:/run/app.sock` or `unix:/run/app.sock:mode=660`."""

    path: str
    mode: int | None
    backlog: int | None
    half_close: bool = False

    def open(self, engine: Engine) -> int:
        """Open the listening socket and return its number in the engine. Raises OSError."""
        return engine.listen_unix(self.path, mode=self.mode, backlog=self.backlog, half_close=self.half_close)


@dataclass(frozen=True, slots=True)
class Inherited:
    """An endpoint such as `fd:3`, `systemd:domain=INET:index=0`, `systemd:domain=INET:name=http`."""

    descriptor: int
    half_close: bool = False

    def open(self, engine: Engine) -> int:
        """Open the listening socket and return its number in the engine. Raises OSError."""
        return engine.listen_descriptor(self.descriptor, half_close=self.half_close)


ParsedEndpoint = Tcp | Unix | Inherited

HALF_CLOSE: Final = "halfClose"
"""The option that lets clients close their sending side and still receive their responses."""

KNOWN: Final = {
    "tcp": ("port", "interface", "backlog", "reusePort", HALF_CLOSE),
    "tcp6": ("port", "interface", "backlog", "reusePort", HALF_CLOSE),
    "unix": ("path", "mode", "backlog", HALF_CLOSE),
    "fd": ("descriptor", HALF_CLOSE),
    "systemd": ("domain", "index", "name", HALF_CLOSE),
}
"""The options of each kind of endpoint, in the order of positional arguments. `halfClose`, which Twisted does not have,
is never positional.
"""

REQUIRED: Final = {
    "tcp": ("port", "tcp:8080"),
    "tcp6": ("port", "tcp6:8080"),
    "unix": ("path", "unix:/run/app.sock"),
    "fd": ("descriptor", "fd:3"),
}
"""The required option of each kind of endpoint, and an example of a description."""

DOMAINS: Final = ("INET", "INET6", "UNIX")
"""The values of `domain` for systemd sockets. Twisted requires this option. Here it may be omitted, because the engine
reads the domain from the socket."""

ACTIVATE: Final = "Start it with a systemd service that has a .socket unit, or try it with systemd-socket-activate."

Argument = tuple[str | None, str]
"""The name of an option, or None if it is positional, and its value."""


def parse_endpoint(description: str) -> ParsedEndpoint:
    """Parse an endpoint description. Raises StartError (RW401) if it is malformed, or if the engine cannot open this
    kind of endpoint."""
    (_, kind), *arguments = _split(description)
    if kind not in KNOWN:
        raise StartError("RW401", f"{description!r} is not an endpoint on which the engine can listen.", _unknown(kind))
    try:
        return _make(kind, _named(kind, arguments))
    except NotActivated as error:
        raise StartError("RW401", f"{description!r} cannot be listened on: {error}.", ACTIVATE) from error
    except ValueError as error:
        stop = "" if f"{error}".endswith("?") else "."
        raise StartError("RW401", f"{description!r} is malformed: {error}{stop}", _correct(kind)) from error


def tcp_endpoint(host: str, port: int) -> str:
    """The endpoint description for a host (address or name) and a port.

    Raises StartError (RW401) if the host is not a str, or is empty: `interface=` would mean every address of the
    machine.
    """
    given: Any = host
    if not isinstance(given, str):
        what = f"The host to listen on is {given!r}, of type {full_name(type(given))}."
        remedy = f"Name the port: run(port={given})." if is_int(given) else 'Write it as "127.0.0.1" or "::1".'
        raise StartError("RW401", what, remedy)
    if not host.strip():
        remedy = "Name 127.0.0.1 for local clients, or 0.0.0.0 or :: for clients of other machines."
        raise StartError("RW401", "The host to listen on is empty.", remedy)
    escaped = host.replace("\\", "\\\\").replace(":", "\\:")
    return f"{'tcp6' if ':' in host else 'tcp'}:{port}:interface={escaped}"


def half_closing(description: str) -> str:
    """Add `halfClose=yes` to an endpoint description, unless it already has this option."""
    given = any(name == HALF_CLOSE for name, _ in _split(description))
    return description if given else f"{description}:{HALF_CLOSE}=yes"


def systemd_descriptor(arguments: Sequence[str], options: dict[str, str]) -> int:
    """The descriptor that these arguments and options of a `systemd:` description select. Raises ValueError."""
    given: list[Argument] = [*((None, argument) for argument in arguments), *options.items()]
    return _systemd(_named("systemd", given))


def _unknown(kind: str) -> str:
    if kind.isdecimal():
        return f'For a TCP port write "tcp:{kind}".'
    if kind.startswith(("/", "./", "~")):
        return f'For a UNIX socket write "unix:{kind}".'
    if kind in ("http", "https"):
        return 'Name a port, such as "tcp:8080", and not a URL.'
    if kind in ("ssl", "tls"):
        return "For TLS, listen on tcp and give a certificate: `--tls-certificate`, or tls=TLSOptions(...)."
    others = f"Use {', '.join(KNOWN)}; for any other, pass a Site to Twisted's serverFromString."
    return f"{did_you_mean(kind, KNOWN)} {others}".lstrip()


def _correct(kind: str) -> str:
    if kind == "systemd":
        return 'Write it as "systemd:domain=INET:index=0" or "systemd:domain=INET:name=web".'
    names = KNOWN[kind][1:]
    word = "option" if len(names) == 1 else "options"
    options = f', with the {word} {", ".join(names)} after it as in ":{names[0]}=..."'
    return f'Write it as "{REQUIRED[kind][1]}"{options}.'


def _make(kind: str, given: dict[str, str]) -> ParsedEndpoint:
    half_close = truth(HALF_CLOSE, given.get(HALF_CLOSE, "no"))
    if kind == "systemd":
        return Inherited(_systemd(given), half_close)
    required, _ = REQUIRED[kind]
    if not given.get(required):
        raise ValueError(f"the {required} is missing")
    if kind == "fd":
        return Inherited(_number("descriptor", given["descriptor"]), half_close)
    backlog = _number("backlog", given["backlog"]) if "backlog" in given else None
    if kind == "unix":
        return Unix(given["path"], _mode(given["mode"]) if "mode" in given else None, backlog, half_close)
    host = given.get("interface") or ("::" if kind == "tcp6" else "0.0.0.0")
    reuse_port = truth("reusePort", given.get("reusePort", "no"))
    return Tcp(host, _number("port", given["port"], 65535), backlog, reuse_port, half_close)


def _number(name: str, text: str, most: int = 2**31 - 1) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= most):
        raise ValueError(f"the {name} must be a number from 0 to {most}, not {text!r}")
    return int(text)


def _mode(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o777:
        raise ValueError(f"the mode must be octal, from 000 to 777, such as 660, not {text!r}")
    return mode


def truth(name: str, text: str) -> bool:
    """Parse the value of a boolean option. Raises ValueError for a value other than yes or no."""
    truths = {"1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}
    if text.lower() not in truths:
        raise ValueError(f"{name} must be yes or no, not {text!r}")
    return truths[text.lower()]


def _systemd(given: dict[str, str]) -> int:
    domain, name = given.get("domain"), given.get("name")
    if domain not in (None, *DOMAINS):
        raise ValueError(f"the domain must be {', '.join(DOMAINS[:-1])} or {DOMAINS[-1]}, not {domain!r}")
    index = _number("index", given["index"]) if "index" in given else None
    sockets = activated_sockets()
    meant, kind = (sockets, "") if name is None else _with_name(sockets, name)
    if index is None and len(meant) == 1:
        index = 0
    if index is None or index >= len(meant):
        count = "1 socket" if len(meant) == 1 else f"{len(meant)} sockets"
        others = f"choose one by index=0 to index={len(meant) - 1}" if len(meant) > 1 else "that has index=0"
        raise NotActivated(f"systemd has passed {count}{kind}: {others}")
    return meant[index].descriptor


def _with_name(sockets: list[ActivatedSocket], name: str) -> tuple[list[ActivatedSocket], str]:
    """The sockets that systemd has given a name, and a phrase about them for error messages."""
    names = dict.fromkeys(each.name for each in sockets if each.name is not None)
    if not names:
        raise NotActivated("systemd has given its sockets no names (LISTEN_FDNAMES is not set): choose one by index=0")
    meant = [each for each in sockets if each.name == name]
    if not meant:
        raise NotActivated(f"systemd has passed no socket with the name {name}, only {', '.join(names)}")
    return meant, f" of the name {name}"


def _named(kind: str, arguments: Sequence[Argument]) -> dict[str, str]:
    """The arguments of a description by name. Positional arguments get the names in `KNOWN`, in order, except
    `halfClose`."""
    names = KNOWN[kind]
    given: dict[str, str] = {}
    positional = iter(name for name in names if name != HALF_CLOSE)
    for name, value in arguments:
        if name is None:
            name = next(positional, None)
            if name is None:
                raise ValueError(f"{value!r} is one too many (a colon within a value is written \\:)")
        elif name not in names:
            raise ValueError(f"{kind} has no option {name}.{did_you_mean(name, names)}".removesuffix("."))
        if name in given:
            raise ValueError(f"the {name} is given twice, as {given[name]!r} and {value!r}")
        given[name] = value
    return given


def _split(description: str) -> list[Argument]:
    """Split a description at colons, and options at their first equals sign. A backslash escapes both characters."""
    parts: list[Argument] = []
    name, value = None, ""
    characters = iter(description)
    for character in characters:
        if character == ":":
            parts.append((name, value))
            name, value = None, ""
        elif character == "=" and name is None and value.isidentifier():
            name, value = value, ""
        elif character == "\\":
            value += next(characters, "")
        else:
            value += character
    return [*parts, (name, value)]
