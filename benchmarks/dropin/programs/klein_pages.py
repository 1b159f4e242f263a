"""The routes of the Klein programs in this folder."""

from klein import Klein
from twisted.web.server import Request

app = Klein()


@app.route("/hello")
def hello(request: Request) -> str:
    request.setHeader("content-type", "text/plain; charset=utf-8")
    return "Hello, World!"
