"""Makes an app of Ropewalk and ends: `start_ropewalk.py {import | untyped | typed} COUNT`.

There is a model for every twenty routes. Making the models counts as importing.
"""

import sys
from typing import Annotated

from msgspec import Meta
from rooms import ROOMS, Room

from ropewalk import App, Request

MODELS = [type(f"Room{number}", (Room,), {}) for number in range(50)]


def add_typed(app: App, number: int) -> None:
    model = MODELS[number % len(MODELS)]

    @app.get(f"/rooms{number}/{{id}}")
    def read(id: int, order: str = "name", limit: Annotated[int, Meta(ge=1, le=100)] = 20) -> model:
        return ROOMS[id]

    @app.post(f"/rooms{number}/{{id}}", status=201)
    async def add(id: int, room: model) -> model:
        return room


def add_untyped(app: App, number: int) -> None:
    model = MODELS[number % len(MODELS)]

    @app.get(f"/rooms{number}/{{id}}")
    def read(request: Request, id: int):
        return ROOMS[id]

    @app.post(f"/rooms{number}/{{id}}")
    async def add(request: Request, id: int):
        return await request.json(model)


if __name__ == "__main__":
    app = App()
    add = {"typed": add_typed, "untyped": add_untyped}.get(sys.argv[1])
    if add is not None:
        for number in range(int(sys.argv[2]) // 2):
            add(app, number)
        print(len(app.routes()))
