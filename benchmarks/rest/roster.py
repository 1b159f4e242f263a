"""The comparisons: with other frameworks, and of apps of Ropewalk that differ in one thing."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks.cases import Case, Probe, refuses, says
from benchmarks.prepare import PYTHON
from benchmarks.rest.programs.rooms import RAW
from benchmarks.roster import Peer, granian, uvicorn

PROGRAMS: Final = Path(__file__).parent / "programs"
TEXT: Final = b"Hello, World!"
JSON: Final = "application/json"
ROOM: Final = RAW[6]
_REFUSED: Final[tuple[dict[str, Any], ...]] = (
    {"beds": 0},
    {"view": "moon"},
    {"price": {"amount": 80, "currency": "euro"}},
    {"amenities": ["x" * 31]},
)
"""Fields that make a room invalid, so that each server must refuse it."""
_SECRET: Final = "a secret of thirty-two bytes, or more"
"""The same secret as in the program `variants.py`."""
Command = Callable[[int, Path], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Servers that send the same responses to the same requests."""

    name: str
    title: str
    cases: tuple[Case, ...]
    peers: tuple[Peer, ...]


def create(title: str, path: str, status: int) -> Case:
    """A valid room is sent back, and others are refused."""

    def right(given: int, body: bytes) -> bool:
        return given == status and msgspec.json.decode(body) == ROOM

    body = msgspec.json.encode(ROOM)
    refused = [Probe(path=path, body=msgspec.json.encode(ROOM | wrong), right=refuses) for wrong in _REFUSED]
    return Case(
        name="create",
        title=title,
        endpoint="create",
        path=path,
        script="post",
        arguments=(JSON, body.decode()),
        probes=(Probe(path=path, body=body, right=right), *refused),
    )


def rooms() -> Case:
    def right(status: int, body: bytes) -> bool:
        return status == 200 and msgspec.json.decode(body) == RAW

    title = f"GET of a list of {len(RAW)} objects"
    return Case(name="list", title=title, endpoint="list", path="/rooms", probes=(Probe(path="/rooms", right=right),))


def parameters() -> Case:
    path = "/rooms/42?order=price&limit=50"
    refused = ("/rooms/42?order=price&limit=500", "/rooms/42?order=price&limit=many", "/rooms/42?limit=50")
    return Case(
        name="parameters",
        title="GET with parameters of path and query",
        endpoint="",
        path=path,
        probes=(Probe(path=path, right=says(b"42 price 50")), *(Probe(path=each, right=refuses) for each in refused)),
    )


def text(name: str, title: str) -> Case:
    return Case(name=name, title=title, endpoint="", path="/text", probes=(Probe(path="/text", right=says(TEXT)),))


def protected() -> Case:
    """Both servers get the token, but only one of them checks it."""
    value = f"Bearer {token()}"
    return Case(
        name="jwt",
        title="GET with a token of HS256",
        endpoint="",
        path="/text",
        script="authorised",
        arguments=(value,),
        probes=(Probe(path="/text", headers={"Authorization": value}, right=says(TEXT)),),
    )


def token(seconds: int = 24 * 60 * 60) -> str:
    """A token that is valid for some seconds."""
    try:
        from joserfc import jwt
        from joserfc.jwk import OctKey
    except ImportError:  # the process needs only the names of the comparisons, and sends no request
        return ""
    now = int(time.time())
    claims = {"sub": "ada", "iss": "hotel", "aud": "rooms", "scope": "rooms:read", "iat": now, "exp": now + seconds}
    return str(jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, OctKey.import_key(_SECRET)))


def python(name: str) -> Command:
    return lambda port, folder: [str(PYTHON), str(PROGRAMS / name), str(port)]


def run(target: str) -> Command:
    options = ["--access-log", "off", "--log-level", "warn"]
    return lambda port, folder: [
        *(str(PYTHON), "-m", "ropewalk", "run", "--port", str(port), *options),
        str(PROGRAMS / target),
    ]


def theirs(name: str, title: str, command: Command, *versions: str, note: str = "") -> Peer:
    return Peer(name=name, title=title, command=command, versions=versions, folder=PROGRAMS, note=note)


def ours(name: str, title: str, target: str) -> Peer:
    return Peer(
        name=name,
        title=f"**Ropewalk**, {title}",
        command=run(target),
        versions=("ropewalk", "msgspec", "uvloop"),
        folder=PROGRAMS,
        ours=True,
    )


def variant(name: str, title: str, app: str | None = None) -> Peer:
    return ours(name, title, f"variants.py:{app or name}")


FRAMEWORKS: Final = Comparison(
    name="frameworks",
    title="Other frameworks",
    cases=(create("POST of a validated room, sent back with 201", "/rooms", 201), rooms()),
    peers=(
        ours("typed", "typed handlers", "ropewalk_rooms.py:typed"),
        ours("by-hand", "`request.json(Room)` and `Response`", "ropewalk_rooms.py:by_hand"),
        theirs(
            "fastapi",
            "FastAPI on uvicorn",
            uvicorn("fastapi_rooms:app"),
            *("fastapi", "pydantic", "uvicorn", "httptools", "uvloop"),
        ),
        theirs(
            "litestar",
            "Litestar on granian",
            granian("asgi", "litestar_rooms:app"),
            *("litestar", "msgspec", "granian", "uvloop"),
        ),
        theirs(
            "blacksheep",
            "BlackSheep on granian",
            granian("asgi", "blacksheep_rooms:app"),
            *("blacksheep", "pydantic", "orjson", "granian", "uvloop"),
        ),
        theirs("sanic", "Sanic with pydantic", python("sanic_rooms.py"), "sanic", "pydantic", "httptools", "uvloop"),
        theirs("robyn", "Robyn", python("robyn_rooms.py"), "robyn", "pydantic", "uvloop"),
        theirs(
            "ninja",
            "Django Ninja on granian",
            granian("asgi", "ninja_rooms:app"),
            *("django-ninja", "Django", "pydantic", "granian", "uvloop"),
            note="Without any middleware of Django.",
        ),
        theirs("bolt", "Django Bolt", python("bolt_rooms.py"), "django-bolt", "Django", "msgspec", "uvloop"),
    ),
)
PAIRS: Final = (
    Comparison(
        name="parameters",
        title="Parameters by annotation",
        cases=(parameters(),),
        peers=(variant("untyped", "`request.query` by hand"), variant("typed", "typed parameters")),
    ),
    Comparison(
        name="body",
        title="A body by annotation",
        cases=(create("POST of a validated room, sent back with 200", "/rooms", 200),),
        peers=(variant("untyped", "`await request.json(Room)`"), variant("typed", "`room: Room`")),
    ),
    Comparison(
        name="middleware",
        title="Middleware",
        cases=(text("middleware", "GET of 13 bytes inside middleware"),),
        peers=(
            variant("none", "no middleware"),
            variant("one", "one that changes nothing"),
            variant("ten", "ten that change nothing"),
            variant("built-in", "`request_id`, `security_headers` and `cors`", "built_in"),
        ),
    ),
    Comparison(
        name="jwt",
        title="Authentication by a token",
        cases=(protected(),),
        peers=(
            variant("none", "open to all"),
            variant("protected", "`authenticate(BearerJWT(...))` and `@requires(...)`"),
        ),
    ),
)
COMPARISONS: Final = (FRAMEWORKS, *PAIRS)
