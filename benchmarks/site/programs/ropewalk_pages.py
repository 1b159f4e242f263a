"""Ropewalk: `typed` has a form as a model, `by_hand` reads the form itself. Both have the pages."""

from typing import Annotated

from msgspec import Struct, structs

from pages import FIELDS, HOTEL, ROOMS, SECRET, STATIC, TEMPLATES, USER, summary
from ropewalk import App, Form, HTTPError, Request
from ropewalk.sessions import SessionsOptions, sessions
from ropewalk.static_files import Static
from ropewalk.templating import TemplateResponse, Templates, TemplatesOptions, render

pages = App(
    middleware=[sessions(SessionsOptions(secret=SECRET))], templates=Templates(TEMPLATES, TemplatesOptions(trim=False))
)
pages.mount("/static", Static(STATIC))
typed = App()
by_hand = App()


class Booking(Struct):
    """The form."""

    name: str
    email: str
    phone: str
    street: str
    city: str
    country: str
    arrival: str
    guests: int
    nights: int
    remarks: str


@pages.get("/enter")
def enter(request: Request) -> str:
    request.session["user"] = USER
    return "entered"


@pages.get("/rooms", name="rooms")
def rooms(request: Request) -> TemplateResponse:
    user = request.session.get("user")
    if user is None:
        raise HTTPError(403)
    return render("rooms.html", hotel=HOTEL, user=user, rooms=ROOMS)


@pages.get("/rooms/{number}", name="room")
def room(number: int) -> str:
    return str(number)


@typed.post("/bookings")
async def book(booking: Annotated[Booking, Form()]) -> str:
    return summary(*structs.astuple(booking))


@by_hand.post("/bookings")
async def book_by_hand(request: Request) -> str:
    form = await request.form()
    fields = {name: form[name] for name in FIELDS}
    try:
        guests, nights = int(fields.pop("guests")), int(fields.pop("nights"))
    except ValueError:
        raise HTTPError(422) from None
    return summary(**fields, guests=guests, nights=nights)
