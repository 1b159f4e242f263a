"""Two trees in one app, in a separate process with real sockets, a real reactor and its threads."""

from pathlib import Path

import httpx
import pytest
from tests.cli.exec_program import executing
from tests.processes import ropewalk

pytestmark = pytest.mark.slow

THEIRS = """
from threading import current_thread, main_thread

from klein import Klein
from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.wsgi import WSGIResource

def application(environ, start_response):
    assert current_thread() is not main_thread()
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield environ["wsgi.input"].read()
    for number in range(100):
        yield b"%d " % number * 1000

klein = Klein()

@klein.route("/<name>")
def hello(request, name):
    return f"hello {name}"

root = Resource()
root.putChild(b"wsgi", WSGIResource(reactor, reactor.getThreadPool(), application))
root.putChild(b"klein", klein.resource())
"""

OURS = """
import asyncio
from twisted.internet import asyncioreactor
asyncioreactor.install()
from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site

from ropewalk import App, asgi, wsgi
from ropewalk.dropin import graft

api = App()
api.on_start(lambda: print("started", flush=True))
api.on_stop(lambda: print("stopped", flush=True))

@api.post("/echo")
async def echo(request):
    await asyncio.sleep(0.001)
    return await request.body()

async def by_asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        print((await receive())["type"], flush=True)
        await send({"type": "lifespan.startup.complete"})
        print((await receive())["type"], flush=True)
        await send({"type": "lifespan.shutdown.complete"})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    told = f"{scope['root_path']} {scope['path']} {len(body)}"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": told.encode()})

def by_wsgi(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [])
    return [f"{environ['SCRIPT_NAME']} {environ['PATH_INFO']} {len(body)}".encode()]

api.mount("/asgi", asgi(by_asgi))
api.mount("/wsgi", wsgi(by_wsgi))
root = Resource()
root.putChild(b"api", graft(api))
reactor.listenTCP(0, Site(root), interface="127.0.0.1")
reactor.run()
"""


def test_theirs_in_ours(tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_text(THEIRS)
    with ropewalk("run", "theirs.py", cwd=tmp_path) as server, httpx.Client(base_url=server.url) as client:
        assert client.get("/klein/ada").text == "hello ada"
        body = "body" + "".join(f"{number} " * 1000 for number in range(100))
        assert client.post("/wsgi", content="body").text == body
        assert client.get("/klein/bob").text == "hello bob"


def test_ours_in_theirs(tmp_path: Path) -> None:
    (tmp_path / "ours.py").write_text(OURS)
    with executing("ours.py", cwd=tmp_path) as served:
        with httpx.Client(base_url=served.url) as client:
            for _ in range(2):
                assert client.post("/api/echo", content=bytes(500_000)).content == bytes(500_000)
                assert client.post("/api/asgi/a", content=bytes(500_000)).text == "/api/asgi /api/asgi/a 500000"
                assert client.get("/api/asgi").text == "/api/asgi /api/asgi 0"
                assert client.post("/api/wsgi/a", content=bytes(500_000)).text == "/api/wsgi /a 500000"
        assert served.stop() == 0, served.errors
    assert served.output.split() == ["started", "lifespan.startup", "lifespan.shutdown", "stopped"]
