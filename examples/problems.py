"""An error with additional members: problem details (RFC 9457), or an HTML page for browsers.

python examples/problems.py
curl -d "" http://127.0.0.1:8080/rooms/8/bookings
"""

from ropewalk import App, HTTPError, Request

TAKEN = {"8"}

app = App()


@app.post("/rooms/{number}/bookings")
def book(request: Request, number: str) -> str:
    if number in TAKEN:
        problem = {"type": "https://example.com/problems/taken", "detail": f"{number} is taken.", "free": ["7", "9"]}
        raise HTTPError(409, problem)
    return "Booked\n"


if __name__ == "__main__":
    app.run(port=8080)
