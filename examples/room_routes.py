"""A class whose methods are routes: `ropewalk run examples/room_routes.py`."""

from ropewalk import App, Routes
from ropewalk.routing import get, post


class Rooms(Routes):
    """The rooms of one hotel."""

    def __init__(self, *numbers: str) -> None:
        self.numbers = set(numbers)

    @get("")
    def list_rooms(self) -> list[str]:
        """`/sea/rooms` and `/city/rooms`."""
        return sorted(self.numbers)

    @post("/{number}", status=201)
    async def add(self, number: str) -> str:
        """`POST /sea/rooms/7`."""
        self.numbers.add(number)
        return number


app = App()
app.mount("/sea/rooms", Rooms("1", "2"))
app.mount("/city/rooms", Rooms("10"))
