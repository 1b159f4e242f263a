"""Robyn with one process and one worker. It validates models of pydantic itself."""

from robyn import Response, Robyn
from robyn.argument_parser import Config
from rooms import port
from rooms_pydantic import LIST, ROOMS, Room

JSON_TYPE = {"content-type": "application/json"}

config = Config()
config.disable_openapi = True
config.log_level = "ERROR"
app = Robyn(__file__, config=config)


@app.post("/rooms")
def add(room: Room) -> Response:
    return Response(201, JSON_TYPE, room.model_dump_json())


@app.get("/rooms")
def rooms() -> Response:
    return Response(200, JSON_TYPE, LIST.dump_json(ROOMS))


if __name__ == "__main__":
    app.start(host="127.0.0.1", port=port(), _check_port=False, keep_alive_timeout=300)
