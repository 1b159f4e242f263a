"""Litestar, which is served by granian. It validates and writes Structs by msgspec itself."""

from litestar import Litestar, get, post
from rooms import ROOMS, Room


@post("/rooms")
async def add(data: Room) -> Room:
    return data


@get("/rooms")
async def rooms() -> list[Room]:
    return ROOMS


app = Litestar([add, rooms])
