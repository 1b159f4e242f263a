"""The records that the compressed responses have: about 50 KB of JSON."""

from typing import Any, Final

LEVEL: Final = 5
"""The level of gzip, the same for every server."""
RECORDS: Final[list[dict[str, Any]]] = [
    {
        "id": number,
        "name": f"Guest {number * 7919 % 10007}",
        "email": f"guest{number * 104729 % 1000003}@example.com",
        "room": 100 + number % 40,
        "nights": number % 9 + 1,
        "remarks": "A quiet room, please." if number % 3 else "",
    }
    for number in range(420)
]
