"""A Klein app that does what Klein's documentation shows: `app.py DESCRIPTION` serves it by `app.run`."""

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from klein import Klein
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from twisted.web.static import File
from werkzeug.exceptions import NotFound

app = Klein()


@app.route("/")
def home(request):
    return "Hello, World!"


@app.route("/bytes")
def bytes_(request):
    return b"\x00\xff" * 1000


@app.route("/nothing")
def nothing(request):
    request.setResponseCode(204)


@app.route("/pages/<name>/<int:number>")
def page(request, name, number):
    request.setHeader("Content-Type", "application/json")
    return json.dumps(
        {
            "name": name,
            "number": number + 1,
            "args": {k.decode(): [v.decode() for v in vs] for k, vs in request.args.items()},
        }
    )


@app.route("/later")
def later(request) -> "Deferred[str]":
    return deferLater(reactor, 0.01, lambda: "later")


@app.route("/async")
async def async_(request):
    first = await deferLater(reactor, 0.01, lambda: "first")
    return f"{first}, second"


@app.route("/form", methods=["POST"])
def form(request):
    return ",".join(
        f"{name.decode()}={value.decode()}" for name, values in sorted(request.args.items()) for value in values
    )


@app.route("/echo", methods=["POST", "PUT"])
def echo(request):
    request.setHeader(b"X-Method", request.method)
    return request.content.read()


@app.route("/headers")
def headers(request):
    request.setHeader("X-Seen", request.getHeader("X-Sent") or "")
    request.responseHeaders.addRawHeader("X-Two", "1")
    request.responseHeaders.addRawHeader("X-Two", "2")
    request.addCookie("taste", "sweet", path="/", httpOnly=True)
    return f"{request.getCookie(b'taste')!r} {request.getHeader('host') is not None} {request.isSecure()}"


@app.route("/moved")
def moved(request):
    request.redirect(app.url_for(request, "home"))


@app.route("/written")
def written(request):
    for number in range(5):
        request.write(b"%d\n" % number)
    request.finish()
    return NOT_DONE_YET


@app.route("/in-pieces")
async def in_pieces(request):
    async for piece in pieces():
        request.write(piece)
    return b"end"


async def pieces() -> AsyncIterator[bytes]:
    for number in range(20):
        await deferLater(reactor, 0, lambda: None)
        yield b"%04d" % number * 1000


@app.route("/failing")
def failing(request):
    raise ValueError("as it is meant to")


@app.route("/failing-later")
async def failing_later(request):
    await deferLater(reactor, 0.01, lambda: None)
    raise KeyError("as it is meant to")


@app.handle_errors(KeyError)
def key_error(request, failure):
    request.setResponseCode(418)
    return f"handled: {failure.type.__name__}"


@app.handle_errors(NotFound)
def not_found(request, failure):
    request.setResponseCode(404)
    return "not here"


@app.route("/files/", branch=True)
def files(request):
    return File(str(Path(__file__).parent))


@app.route("/resource")
def resource(request):
    return Plain()


class Plain(Resource):
    isLeaf = True

    def render_GET(self, request):
        return b"|".join([b"/".join(request.prepath), b"/".join(request.postpath), request.uri])


with app.subroute("/under") as under:

    @under.route("/one")
    def one(request):
        return "under one"


if __name__ == "__main__":
    app.run(endpoint_description=sys.argv[1], displayTracebacks=False)
