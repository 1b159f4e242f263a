"""Django Bolt with one process and one worker. It validates and writes Structs by msgspec itself."""

import django
from django.conf import settings
from django.core.management import call_command
from django_bolt import BoltAPI
from rooms import ROOMS, Room, port

if not settings.configured:
    settings.configure(BOLT_API=["bolt_rooms:api"], INSTALLED_APPS=["django_bolt"], ALLOWED_HOSTS=["*"])

api = BoltAPI(enable_logging=False)


@api.post("/rooms", status_code=201)
async def add(room: Room) -> Room:
    return room


@api.get("/rooms")
async def rooms() -> list[Room]:
    return ROOMS


if __name__ == "__main__":
    django.setup()
    call_command("runbolt", host="127.0.0.1", port=port(), no_admin=True)
