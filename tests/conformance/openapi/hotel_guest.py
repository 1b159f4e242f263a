"""Calls the hotel with its generated client, as another project would. Prints the results as JSON.

`raise_on_unexpected_status` makes a status that the document does not describe an error.
"""

import json
import sys
from datetime import date
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, urlsplit


def operation(tag: str, name: str) -> Any:
    return import_module(f"hotel_client.api.{tag}.{name}")


def model(kind: str, /, **values: Any) -> Any:
    return getattr(import_module("hotel_client.models"), kind)(**values)


def seen(response: Any) -> dict[str, Any]:
    """The status and the body, with the class to which the client converted the body."""
    parsed = response.parsed
    items = parsed if isinstance(parsed, list) else [parsed]
    values = [each.to_dict() if hasattr(each, "to_dict") else each for each in items]
    return {
        "status": int(response.status_code),
        "classes": sorted({type(each).__name__ for each in items}),
        "body": values if isinstance(parsed, list) else values[0],
    }


def main(url: str, key: str) -> None:
    client = import_module("hotel_client.client")
    options: dict[str, Any] = {"base_url": url, "raise_on_unexpected_status": True}
    keyed: dict[str, Any] = {"prefix": "", "auth_header_name": "X-API-Key", **options}
    with (
        client.Client(**options) as stranger,
        client.AuthenticatedClient(token=key, **keyed) as desk,
        client.AuthenticatedClient(token="guessed", **keyed) as wrong,
    ):
        print(json.dumps(visit(stranger, desk, wrong)))


def visit(stranger: Any, desk: Any, wrong: Any) -> dict[str, Any]:
    """Call the hotel without a key, with the key of the front desk, and with a wrong key."""
    rooms = [model("NewRoom", number=str(number), beds=2, price=9500) for number in (1, 2, 3)]
    add, change = operation("rooms", "add_room"), operation("rooms", "change_room")
    found: dict[str, Any] = {
        "added": [seen(add.sync_detailed(client=desk, body=room)) for room in rooms],
        "added twice": seen(add.sync_detailed(client=desk, body=rooms[0])),
        "added without a key": seen(add.sync_detailed(client=stranger, body=rooms[0])),
        "added with a wrong key": seen(add.sync_detailed(client=wrong, body=rooms[0])),
        "invalid": seen(add.sync_detailed(client=desk, body=model("NewRoom", number="", beds=0, price=1))),
    }
    listing, show = operation("rooms", "list_rooms"), operation("rooms", "show_room")
    first = listing.sync_detailed(client=stranger, limit=2)
    found["page"] = seen(first)
    found["link"] = first.headers["link"]
    cursor = parse_qs(urlsplit(found["link"].partition(">")[0]).query)["cursor"][0]
    found["next page"] = seen(listing.sync_detailed(client=stranger, limit=2, cursor=cursor))
    found["invalid page"] = seen(listing.sync_detailed(client=stranger, limit=0))
    found["no room"] = seen(show.sync_detailed(9, client=stranger))
    room = show.sync_detailed(1, client=stranger)
    tag = room.headers["etag"]
    found["unchanged"] = seen(show.sync_detailed(1, client=stranger, if_none_match=tag))
    dearer = model("NewRoom", number="1", beds=2, price=1)
    found["changed"] = seen(change.sync_detailed(1, client=desk, body=dearer, if_match=tag))
    found["changed twice"] = seen(change.sync_detailed(1, client=desk, body=dearer, if_match=tag))
    found["changed blindly"] = seen(change.sync_detailed(1, client=desk, body=dearer))
    guest = operation("guests", "add_guest").sync(
        client=stranger, body=model("NewGuest", name="Ada", email="ada@example.org")
    )
    nights = {"arrival": date(2027, 5, 1), "departure": date(2027, 5, 4)}
    booking = model("NewBooking", room=1, guest=guest.id, **nights)
    found["booked"] = seen(operation("bookings", "book").sync_detailed(client=stranger, body=booking))
    free = listing.sync(client=stranger, free_from=date(2027, 5, 3), free_until=date(2027, 5, 5))
    found["free"] = [each.number for each in free]
    found["exported"] = operation("bookings", "export_bookings").sync(client=desk)
    found["removed"] = seen(operation("rooms", "remove_room").sync_detailed(3, client=desk))
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
