"""Rooms whose pages are made once a minute, or after a change.

curl -i http://127.0.0.1:8080/rooms
curl -i -X PUT -d 4 http://127.0.0.1:8080/rooms/blue
"""

import os

from ropewalk import App, HTTPError, Request
from ropewalk.caching import Cache, CacheOptions
from ropewalk.stores import MemoryResponses, RedisResponses, RedisServer, ResponseStore

ROOMS = {"blue": 2, "red": 3}


def make_store() -> ResponseStore:
    """Choose a store: Redis for several processes, memory for one."""
    if "REDIS_URL" in os.environ:
        return RedisResponses(RedisServer(os.environ["REDIS_URL"]))
    return MemoryResponses(most_bytes=256 * 1024 * 1024)


cache = Cache(CacheOptions(store=make_store()))
app = App(middleware=[cache.invalidation])


@app.get("/rooms")
@cache(60, tags=["rooms"], query=["min_beds"])
async def rooms(min_beds: int = 1) -> dict[str, int]:
    return {name: beds for name, beds in ROOMS.items() if beds >= min_beds}


@app.get("/rooms/{name}")
@cache(60, stale_while_revalidate=600, stale_if_error=3600)
def room(name: str) -> dict[str, int]:
    if name not in ROOMS:
        raise HTTPError(404)
    return {"beds": ROOMS[name]}


@app.put("/rooms/{name}")
async def change(request: Request, name: str) -> None:
    ROOMS[name] = int(await request.text())
    await cache.purge(tags=["rooms"])


def language(request: Request) -> str:
    """Responses in two languages: one for each, however many values of Accept-Language clients send."""
    return "de" if (request.header("accept-language") or "").startswith("de") else "en"


@app.get("/")
@cache(3600, vary_by=language)
def home(request: Request) -> str:
    return "Willkommen" if language(request) == "de" else "Welcome"


if __name__ == "__main__":
    app.run(port=8080)
