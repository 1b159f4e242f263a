"""twisted.web and Ropewalk resources in one tree, mounted in either direction.

    python one_tree.py          Ropewalk around twisted.web
    python one_tree.py theirs   twisted.web around Ropewalk

Try these in another terminal:

    curl -i http://127.0.0.1:8080/visits
    curl -i http://127.0.0.1:8080/pages/hello.py
    curl -i http://127.0.0.1:8080/api/books/1
"""

import sys
from pathlib import Path
from typing import Any

from twisted.web import resource, server, static

from ropewalk import App, HTTPError, Request
from ropewalk.dropin import accelerate, graft

BOOKS = {1: "Moby-Dick", 2: "Two Years Before the Mast"}


class Visits(resource.Resource):
    """A resource that was written for twisted.web."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.visits = 0

    def render_GET(self, request: Any) -> bytes:
        """Count the visits of this session and all visits."""
        session = request.getSession()
        session.visits = getattr(session, "visits", 0) + 1
        self.visits += 1
        return b"Your visit %d of %d\n" % (session.visits, self.visits)


def make_legacy() -> resource.Resource:
    """Return a twisted.web tree."""
    root = resource.Resource()
    root.putChild(b"visits", Visits())
    root.putChild(b"pages", static.File(str(Path(__file__).parent)))
    return root


api = App()


@api.get("/books/{number:int}")
async def book(request: Request, number: int) -> dict[str, str]:
    """A new Ropewalk route."""
    if number not in BOOKS:
        raise HTTPError(404, "No such book.")
    return {"title": BOOKS[number]}


app = App()
app.mount("/api", api)
app.mount("/", make_legacy())


def make_site() -> Any:
    """Put the app into the twisted.web tree, and return the site."""
    root = make_legacy()
    root.putChild(b"api", graft(api))
    return accelerate(server.Site(root))


if __name__ == "__main__":
    if sys.argv[1:] == ["theirs"]:
        from twisted.internet import reactor

        reactor.listenTCP(8080, make_site(), interface="127.0.0.1")
        reactor.run()
    else:
        app.run(port=8080)
