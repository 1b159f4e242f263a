"""FastAPI, which is served by uvicorn."""

from fastapi import FastAPI
from rooms_pydantic import ROOMS, Room

app = FastAPI()


@app.post("/rooms", status_code=201)
async def add(room: Room) -> Room:
    return room


@app.get("/rooms")
async def rooms() -> list[Room]:
    return ROOMS
