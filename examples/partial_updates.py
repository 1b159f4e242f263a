"""Change some fields of a resource, with a merge patch or with the operations of a JSON patch.

python examples/partial_updates.py
curl -X PATCH http://127.0.0.1:8080/rooms/1 -H "Content-Type: application/merge-patch+json" -d '{"beds": 3}'
"""

from typing import Annotated

from msgspec import Meta, Struct, structs

from ropewalk import App, HTTPError, IfMatch, JSONPatch, MergePatch, Response
from ropewalk.etags import etag

app = App()


class RoomFields(Struct, forbid_unknown_fields=True):
    """The fields that a client may change."""

    beds: Annotated[int, Meta(ge=1, le=20)]
    view: str | None = None
    tags: list[str] = []


class Room(RoomFields, kw_only=True):
    id: int


rooms = {1: Room(id=1, beds=2, view="sea", tags=["quiet"])}


def find(number: int) -> Room:
    if number not in rooms:
        raise HTTPError(404, f"There is no room {number}.")
    return rooms[number]


@app.patch("/rooms/{number:int}")
def change(number: int, patch: MergePatch[RoomFields]) -> Room:
    fields = patch.apply(find(number))
    rooms[number] = Room(id=number, **structs.asdict(fields))
    return rooms[number]


@app.patch("/safe/{number:int}")
def change_safely(
    number: int, patch: MergePatch[RoomFields] | JSONPatch[RoomFields], precondition: IfMatch
) -> Response:
    """Take both kinds of patches, but refuse them if others have changed the room since the client read it."""
    current = find(number)
    precondition.check(etag(current))
    rooms[number] = Room(id=number, **structs.asdict(patch.apply(current)))
    return Response(rooms[number], headers={"etag": etag(rooms[number])})


if __name__ == "__main__":
    app.run(port=8080)
