"""Makes an app of FastAPI and ends: `start_fastapi.py {import | typed} COUNT`.

There is a model for every twenty routes. Making the models counts as importing.
"""

import sys
from typing import Annotated

from fastapi import FastAPI, Query
from rooms_pydantic import ROOMS, Room

MODELS = [type(f"Room{number}", (Room,), {}) for number in range(50)]


def add_typed(app: FastAPI, number: int) -> None:
    model = MODELS[number % len(MODELS)]

    @app.get(f"/rooms{number}/{{id}}")
    def read(id: int, order: str = "name", limit: Annotated[int, Query(ge=1, le=100)] = 20) -> model:
        return ROOMS[id]

    @app.post(f"/rooms{number}/{{id}}", status_code=201)
    async def add(id: int, room: model) -> model:
        return room


if __name__ == "__main__":
    app = FastAPI(openapi_url=None)
    if sys.argv[1] == "typed":
        for number in range(int(sys.argv[2]) // 2):
            add_typed(app, number)
        print(len(app.routes))
