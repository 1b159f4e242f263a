"""Compressed responses and requests: of the whole app, but not of a page with a secret, and of a live stream.

Try these in another terminal:

    curl --compressed http://127.0.0.1:8080/rooms
    curl --compressed --no-buffer http://127.0.0.1:8080/events
"""

import asyncio
from collections.abc import AsyncIterator

from ropewalk import App, Compression, Request, Response

app = App(compression=Compression(gzip=6, min_size=500))


@app.get("/rooms")
def rooms(request: Request) -> list[dict[str, int | str]]:
    """JSON of 500 bytes or more is compressed as the client accepts."""
    return [{"room": number, "name": f"Room {number}"} for number in range(1, 201)]


@app.get("/events", content_type="text/event-stream")
async def events(request: Request) -> AsyncIterator[str]:
    """Each event arrives at once, although the stream is compressed."""
    for number in range(3):
        yield f"data: {number}\n\n"
        await asyncio.sleep(0.1)


@app.get("/account", compress=False)
def account(request: Request) -> Response:
    """This page has a secret, and text that the client has sent."""
    searched = request.query.get("search", "")
    return Response(f"Your key: 5f0c61a2\nYou searched for: {searched}\n" * 50)


@app.post("/measurements", decompress=True, body_limit=4 << 20)
async def measurements(request: Request) -> dict[str, int]:
    """The limit counts decoded bytes. The handler reads the body as if it had no coding."""
    values = await request.json(list[float])
    return {"received": len(values)}


@app.get("/report")
def report(request: Request) -> Response:
    """A response can choose, too."""
    response = Response("line\n" * 1000)
    response.compress = request.query.get("for") != "archive"
    return response


if __name__ == "__main__":
    app.run(port=8080)
