"""The resources of the programs in this folder."""

from twisted.web.resource import Resource
from twisted.web.server import Request


class Hello(Resource):
    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        return b"Hello, World!"


root = Resource()
root.putChild(b"hello", Hello())
