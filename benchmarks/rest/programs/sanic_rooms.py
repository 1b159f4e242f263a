"""Sanic in one process, on uvloop, with pydantic."""

from pydantic import ValidationError
from rooms import port
from rooms_pydantic import LIST, ROOMS, Room
from sanic import HTTPResponse, Request, Sanic, raw, text

app = Sanic("bench")


@app.post("/rooms")
async def add(request: Request) -> HTTPResponse:
    try:
        room = Room.model_validate_json(request.body)
    except ValidationError as error:
        return text(str(error), status=422)
    return raw(room.model_dump_json(), status=201, content_type="application/json")


@app.get("/rooms")
async def rooms(request: Request) -> HTTPResponse:
    return raw(LIST.dump_json(ROOMS), content_type="application/json")


if __name__ == "__main__":
    app.run("127.0.0.1", port(), single_process=True, access_log=False, motd=False, backlog=1024)
