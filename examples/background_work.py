"""Respond at once, and do the work after the response.

python examples/background_work.py
curl -X POST http://127.0.0.1:8080/bookings?room=7
"""

from twisted.internet.threads import deferToThread

from ropewalk import After, App

app = App()
done: list[str] = []


@app.post("/bookings", status=202)
async def book(room: int, after: After) -> dict[str, int]:
    after(send_mail, "ada@example.org", f"Room {room} is yours.")
    after(deferToThread, print_voucher, room)
    return {"room": room}


async def send_mail(address: str, text: str) -> None:
    """A coroutine function that uses a mail server."""
    done.append(f"{address}: {text}")


def print_voucher(room: int) -> None:
    """A function that blocks, so it runs in a thread."""
    done.append(f"voucher for room {room}")


if __name__ == "__main__":
    app.run(port=8080)
