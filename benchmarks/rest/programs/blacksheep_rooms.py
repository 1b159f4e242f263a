"""BlackSheep, which is served by granian. It validates models of pydantic itself, and takes orjson for JSON."""

import orjson
from blacksheep import Application, Content, FromJSON, Response, get, post
from blacksheep.settings.json import json_settings
from rooms_pydantic import LIST, ROOMS, Room

json_settings.use(loads=orjson.loads)
app = Application()


@post("/rooms")
async def add(room: FromJSON[Room]) -> Response:
    return Response(201, content=Content(b"application/json", room.value.model_dump_json().encode()))


@get("/rooms")
async def rooms() -> Response:
    return Response(200, content=Content(b"application/json", LIST.dump_json(ROOMS)))
