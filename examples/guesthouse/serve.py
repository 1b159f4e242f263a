"""The pages of a guesthouse, from templates.

python examples/guesthouse/serve.py
"""

from pathlib import Path

from ropewalk import App, HTTPError, Request
from ropewalk.middleware import SecurityHeadersOptions, security_headers
from ropewalk.static_files import Static
from ropewalk.templating import TemplateResponse, Templates, TemplatesOptions, render

HERE = Path(__file__).parent
ROOMS = {"garden": 9500, "attic": 7000}
"""The price of each room for a night, in cents."""


def euros(cents: int) -> str:
    return f"{cents / 100:.2f} €"


app = App(
    middleware=[security_headers(SecurityHeadersOptions.for_sites())],
    templates=Templates(HERE / "templates", TemplatesOptions(filters={"euros": euros})),
)
app.mount("/static", Static(HERE / "static"))


@app.get("/")
def list_rooms(request: Request) -> TemplateResponse:
    most = int(request.query.get("most", "0") or 0) * 100
    found = {name: price for name, price in ROOMS.items() if not most or price <= most}
    return render("rooms.html", fragment="rows", rooms=found)


@app.get("/rooms/{name}")
def show_room(request: Request, name: str) -> TemplateResponse:
    if name not in ROOMS:
        raise HTTPError(404, f"There is no room {name}.")
    return render("room.html", room=name, price=ROOMS[name])


if __name__ == "__main__":
    app.run(port=8080)
