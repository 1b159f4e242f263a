"""Receives uploads in every way, and responds with what it received: `python -m tests.wire.uploads app|site|tls`."""

import sys
import tempfile
import warnings
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import FastAPI, UploadFile

from ropewalk import App, Request, Site
from ropewalk.asgi import ASGIOptions, Receive, Scope, Send, asgi


def digest(body: bytes) -> str:
    """A digest that identifies a body."""
    return f"{len(body)} {sha256(body).hexdigest()}"


async def raw(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application that reads the body as in the specification."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": digest(body).encode()})


api = FastAPI()


@api.put("/file")
async def file(file: UploadFile) -> str:
    return digest(await file.read())


app = App()
app.mount("/asgi", asgi(raw, ASGIOptions(lifespan="off")))
app.mount("/fastapi", asgi(api))


@app.put("/native")
async def native(request: Request) -> str:
    body = b""
    while True:
        request.receive()
        part = request.take()
        if part == b"":
            return digest(body)
        if part is None:
            await request._readable()
        else:
            body += part


@app.put("/stream")
async def stream(request: Request) -> str:
    return digest(b"".join([part async for part in request.stream()]))


@app.put("/whole")
def whole(request: Request) -> str:
    return digest(request.content.read())


def announce(url: str) -> None:
    print(f"{url} \nStop with SIGTERM", file=sys.stderr, flush=True)


def main(kind: str) -> None:
    if kind == "app":
        app.run(port=0, started=lambda listening: announce(str(listening[0])))
        return
    from twisted.internet import asyncioreactor

    asyncioreactor.install()
    from tests.unit.server.program import write_certificate
    from twisted.internet import reactor as installed
    from twisted.internet.ssl import PrivateCertificate

    reactor: Any = installed
    if kind == "site":
        port = reactor.listenTCP(0, Site(app), interface="127.0.0.1")
    else:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_certificate(folder)
            pem = (folder / "key.pem").read_bytes() + (folder / "certificate.pem").read_bytes()
        warnings.filterwarnings("ignore", "Passing pyOpenSSL", DeprecationWarning)  # Twisted does so
        options = PrivateCertificate.loadPEM(pem).options()
        port = reactor.listenSSL(0, Site(app), options, interface="127.0.0.1")
    announce(f"http://127.0.0.1:{port.getHost().port}")
    reactor.run()


if __name__ == "__main__":
    main(sys.argv[1])
