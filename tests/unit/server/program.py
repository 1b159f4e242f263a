"""The program that `test_reactors` runs in a separate process: one reactor, one way to listen, a client in a thread.

python program.py REACTOR WAY
"""

import http.client
import importlib
import socket
import sys
import tempfile
from datetime import UTC
from pathlib import Path
from typing import Any

REACTORS = {"epoll": "epollreactor", "poll": "pollreactor", "select": "selectreactor", "asyncio": "asyncioreactor"}


def main(kind: str, way: str) -> None:
    importlib.import_module(f"twisted.internet.{REACTORS[kind]}").install()
    from twisted.internet import reactor
    from twisted.internet.defer import maybeDeferred
    from twisted.internet.threads import deferToThread

    app = make_app()
    failures: list[Any] = []
    folder = tempfile.TemporaryDirectory()
    path = str(Path(folder.name) / "app.sock")

    def begin() -> None:
        port, connect = WAYS[way](reactor, app, path)
        asked = deferToThread(ask, connect, kind)
        asked.addErrback(failures.append)
        asked.addCallback(lambda open_one: maybeDeferred(port.stopListening).addCallback(lambda _: open_one.close()))
        asked.addCallback(lambda _: reactor.callLater(0, check_clean))

    def check_clean() -> None:
        """Check that nothing is left in the reactor when the last port is closed."""
        left = [reader for reader in reactor.getReaders() if type(reader).__name__ == "EngineReader"]
        if left or reactor.getDelayedCalls():
            failures.append(f"left behind: {left} {reactor.getDelayedCalls()}")
        reactor.stop()

    reactor.callWhenRunning(begin)
    reactor.run()
    folder.cleanup()
    for failure in failures:
        print(failure)
    print("failed" if failures else "served")


def make_app() -> Any:
    from twisted.internet.defer import Deferred

    from ropewalk import App, Request, Response

    app = App()

    @app.get("/")
    def hello(request: Request) -> str:
        return "Hello"

    @app.get("/deferred")
    async def deferred(request: Request) -> str:
        from twisted.internet import reactor

        later: Deferred[str] = Deferred()
        reactor.callLater(0.01, later.callback, "later")
        return await later

    @app.get("/asyncio")
    async def asyncios(request: Request) -> str:
        import asyncio

        return await asyncio.sleep(0.01, "slept")

    @app.get("/future")
    async def future(request: Request) -> str:
        import asyncio

        return str(await asyncio.Future(loop=asyncio.new_event_loop()))

    @app.get("/turn")
    async def turn(request: Request) -> str:
        import asyncio

        await asyncio.sleep(0)
        return "turned"

    @app.post("/echo")
    async def echo(request: Request) -> bytes:
        return await request.body()

    @app.get("/big")
    def big(request: Request) -> Any:
        return (bytes(100_000) for _ in range(50))

    @app.post("/late", body_limit=30_000_000)
    async def late(request: Request) -> Response:
        from twisted.internet import reactor

        later: Deferred[str] = Deferred()
        reactor.callLater(0.05, later.callback, "no")
        return Response(await later, 403)

    @app.route("/cache", methods=["BAN"])
    def ban(request: Request) -> str:
        return request.method

    @app.get("/open")
    def count(request: Request) -> str:
        return str(request.service.engine.connections)

    @app.get("/client")
    def client(request: Request) -> str:
        return repr(request.client)

    add_typed_routes(app)
    return app


def add_typed_routes(app: Any) -> None:
    """Add a typed handler with a dependency, which also passes functions to `after`."""
    from collections.abc import Iterator
    from typing import Annotated

    from twisted.internet.defer import Deferred

    from ropewalk import After, App, Body, Depends

    events: list[str] = []

    def session() -> Iterator[str]:
        yield "session"
        events.append("closed")

    async def later(name: str) -> None:
        from twisted.internet import reactor

        waiting: Deferred[str] = Deferred()
        reactor.callLater(0.01, waiting.callback, name)
        events.append(await waiting)

    typed = App()

    @typed.post("", status=202)
    async def book(
        rooms: Annotated[list[int], Body()], nights: int, session: Annotated[str, Depends(session)], after: After
    ) -> str:
        after(later, session)
        after(events.append, "last")
        return f"{session} {rooms} {nights}"

    @typed.get("/events")
    def see() -> list[str]:
        return events

    app.mount("/typed", typed)


def listen_tcp(reactor: Any, app: Any, path: str) -> Any:
    from ropewalk import Site

    port = reactor.listenTCP(0, Site(app), interface="127.0.0.1")
    return port, lambda: socket.create_connection(("127.0.0.1", port.getHost().port), 10)


def listen_unix(reactor: Any, app: Any, path: str) -> Any:
    from ropewalk import Site

    return reactor.listenUNIX(path, Site(app)), lambda: unix_socket(path)


def wrapped(reactor: Any, app: Any, path: str) -> Any:
    """A transport that is not a plain socket."""
    from twisted.protocols.policies import WrappingFactory

    from ropewalk import Site

    port = reactor.listenTCP(0, WrappingFactory(Site(app)), interface="127.0.0.1")
    return port, lambda: socket.create_connection(("127.0.0.1", port.getHost().port), 10)


def listen_tls(reactor: Any, app: Any, path: str) -> Any:
    """Twisted's TLS between the engine and a client that offers ALPN protocols (RFC 7301)."""
    import ssl
    import warnings

    from twisted.internet.ssl import PrivateCertificate

    from ropewalk import Site

    folder = Path(path).parent
    write_certificate(folder)
    pem = (folder / "key.pem").read_bytes() + (folder / "certificate.pem").read_bytes()
    options = PrivateCertificate.loadPEM(pem).options()
    warnings.filterwarnings("ignore", "Passing pyOpenSSL", DeprecationWarning)  # Twisted causes this warning
    port = reactor.listenSSL(0, Site(app), options, interface="127.0.0.1")
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    trusting.set_alpn_protocols(["h2", "http/1.1"])

    def connect() -> ssl.SSLSocket:
        connection = trusting.wrap_socket(socket.create_connection(("127.0.0.1", port.getHost().port), 10))
        assert connection.selected_alpn_protocol() == "http/1.1"
        return connection

    return port, connect


def write_certificate(folder: Path) -> None:
    from datetime import datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1)
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def engine_tcp(reactor: Any, app: Any, path: str) -> Any:
    port = app.listen(reactor, "tcp:0:interface=127.0.0.1")
    return port, lambda: socket.create_connection(("127.0.0.1", port.getHost().port), 10)


def engine_tls(reactor: Any, app: Any, path: str) -> Any:
    """Open two TLS listeners, because an app may have several, and close one of them at once."""
    import ssl

    from ropewalk import TLSOptions

    folder = Path(path).parent
    write_certificate(folder)
    tls = TLSOptions(certificate=folder / "certificate.pem", key=folder / "key.pem")
    port = app.listen(reactor, "tcp:0:interface=127.0.0.1", tls=tls)
    app.listen(reactor, "tcp:0:interface=127.0.0.1", tls=tls).stopListening()
    trusting = ssl.create_default_context(cafile=str(folder / "certificate.pem"))
    trusting.check_hostname = False  # the certificate names its host only as the common name, which Python ignores

    def connect() -> ssl.SSLSocket:
        return trusting.wrap_socket(socket.create_connection(("127.0.0.1", port.getHost().port), 10))

    return port, connect


def engine_unix(reactor: Any, app: Any, path: str) -> Any:
    return app.listen(reactor, f"unix:{path}"), lambda: unix_socket(path)


WAYS = {
    "listenTCP": listen_tcp,
    "listenUNIX": listen_unix,
    "listenSSL": listen_tls,
    "wrapped": wrapped,
    "tcp": engine_tcp,
    "tls": engine_tls,
    "unix": engine_unix,
}


def unix_socket(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(path)
    return connection


def ask(connect: Any, kind: str) -> http.client.HTTPConnection:
    """Several requests on one connection, then one on another, which is left open."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = connect()
    assert get(connection, "/") == (200, b"Hello")
    assert get(connection, "/deferred") == (200, b"later")
    assert get(connection, "/turn") == (200, b"turned")
    assert get(connection, "/big") == (200, bytes(5_000_000))
    connection.request("BAN", "/cache")
    assert connection.getresponse().read() == b"BAN"
    connection.request("POST", "/echo", body=b"x" * 200_000)
    assert connection.getresponse().read() == b"x" * 200_000
    if kind == "asyncio":
        assert get(connection, "/asyncio") == (200, b"slept")
    else:
        assert get(connection, "/asyncio")[0] == 500
        assert get(connection, "/future")[0] == 500
    assert b"Address" not in get(connection, "/client")[1]
    ask_typed(connection)
    connection.close()
    refuse_upload(connect, "/echo", 413)
    refuse_upload(connect, "/late", 403)
    other = http.client.HTTPConnection("localhost")
    other.sock = connect()
    assert get(other, "/") == (200, b"Hello")
    while get(other, "/open") != (200, b"1"):
        pass
    return other


def ask_typed(connection: http.client.HTTPConnection) -> None:
    """A typed handler, whose functions run after the response."""
    connection.request("POST", "/typed?nights=2", body=b"[1, 2]", headers={"content-type": "application/json"})
    response = connection.getresponse()
    assert (response.status, response.read()) == (202, b"session [1, 2] 2")
    while get(connection, "/typed/events") != (200, b'["closed","session","last"]'):
        pass
    connection.request("POST", "/typed?nights=x", body=b"[1]", headers={"content-type": "application/json"})
    response = connection.getresponse()
    assert (response.status, b'"nights"' in response.read()) == (422, True)


def refuse_upload(connect: Any, path: str, status: int) -> None:
    """Send the whole body before reading the response that refuses it."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = connect()
    connection.request("POST", path, body=bytes(20_000_000))
    response = connection.getresponse()
    assert (response.status, response.getheader("connection")) == (status, "close")
    response.close()
    connection.close()


def get(connection: http.client.HTTPConnection, path: str) -> tuple[int, bytes]:
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read()


if __name__ == "__main__":
    from twisted.logger import globalLogBeginner, textFileLogObserver

    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr)], redirectStandardIO=False)
    main(sys.argv[1], sys.argv[2])
