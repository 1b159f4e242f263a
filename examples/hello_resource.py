"""Hello as a tree of resources, served by Twisted's own `listenTCP`. Run it with `python hello_resource.py`."""

from twisted.internet import reactor

from ropewalk import Request, Resource, Site


class Hello(Resource):
    """A leaf of the tree, which handles only its own path."""

    def render_GET(self, request: Request) -> str:
        return "<p>Hello, World!</p>"


class Greetings(Resource):
    """A dynamic branch, which makes a child for every requested name."""

    def getChild(self, name: str, request: Request) -> Resource:
        return Greeting(name)


class Greeting(Resource):
    """Greets one name."""

    content_type = "text/plain; charset=utf-8"

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def render_GET(self, request: Request) -> str:
        return f"Hello, {self.name}!"


root = Resource()
root.putChild("", Hello())
root.putChild("hello", Greetings())

if __name__ == "__main__":
    reactor.listenTCP(8080, Site(root), interface="127.0.0.1")
    reactor.run()
