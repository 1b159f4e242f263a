"""An API with forms, files and sessions."""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated

import pydantic
from msgspec import Meta, Struct

from ropewalk import App, OpenAPI, Request
from ropewalk.forms import FormData, FormLimits, UploadFile
from ropewalk.sessions import SessionsOptions, flash, flashes, login, logout, sessions
from ropewalk.stores import MemorySessions
from ropewalk.typed import Form, Submitted

app = App(
    openapi=OpenAPI("Forms", "1.0"),
    middleware=[sessions(SessionsOptions(store=MemorySessions(), insecure_localhost=True))],
)


class Board(Enum):
    NONE = "none"
    FULL = "full"


class Booking(Struct, forbid_unknown_fields=True):
    guest: Annotated[str, Meta(min_length=1, max_length=40)]
    nights: Annotated[int, Meta(ge=1, le=30)]
    board: Board = Board.NONE
    extras: list[str] = []
    late: bool = False
    note: str | None = None


@dataclass
class Search:
    text: str
    page: Annotated[int, Meta(ge=1)] = 1


class Contact(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    name: str = pydantic.Field(min_length=1, max_length=20)
    age: int = pydantic.Field(ge=0, le=150)


class Picture(Struct, forbid_unknown_fields=True):
    title: Annotated[str, Meta(min_length=1)]
    image: UploadFile
    more: list[UploadFile] = []
    public: bool = False


class Stored(Struct):
    title: str
    sizes: list[int]


class User(Struct):
    user: str | None
    visits: int
    messages: list[str]


@app.post("/bookings", status=201)
def book(request: Request, booking: Annotated[Booking, Form()]) -> Booking:
    """Book a room."""
    flash(request, f"Booked for {booking.guest}.")
    return booking


@app.post("/searches")
def search(search: Annotated[Search, Form()]) -> Search:
    """Search."""
    return search


@app.post("/contacts")
def contact(contact: Annotated[Contact, Form()]) -> Contact:
    """Leave an address."""
    return contact


@app.post("/fields")
def fields(
    name: Annotated[str, Form()],
    number: Annotated[int, Form(), Meta(ge=0, le=9)],
    tags: Annotated[list[str], Form("tag")] = [],  # noqa: B006 - a default, which is not changed
) -> dict[str, object]:
    """Single fields."""
    return {"name": name, "number": number, "tags": tags}


@app.post("/submitted")
def submitted(form: Annotated[Submitted[Booking], Form()]) -> dict[str, bool]:
    """A form that is shown again with its errors."""
    return {"valid": form.value is not None}


@app.post("/pictures", status=201)
async def upload(picture: Annotated[Picture, Form(limits=FormLimits(body_limit=2 << 20))]) -> Stored:
    """Upload pictures."""
    return Stored(picture.title, [len(await each.read()) for each in (picture.image, *picture.more)])


@app.post("/files")
def files(files: Annotated[list[UploadFile], Form("file")]) -> list[int]:
    """Upload files."""
    return [each.size for each in files]


@app.post("/any")
def anything(form: FormData) -> dict[str, int]:
    """Any form."""
    return {"fields": len(form), "files": len(form.files)}


@app.get("/me")
def me(request: Request) -> User:
    """The user of the session."""
    request.session["visits"] = request.session.get("visits", 0) + 1
    return User(request.session.user, request.session["visits"], [each.text for each in flashes(request)])


@app.post("/login")
def log_in(request: Request, name: Annotated[str, Form(), Meta(pattern=r"^[a-z]{1,20}$")]) -> User:
    """Log in."""
    login(request, name)
    return User(name, 0, [])


@app.post("/logout")
def log_out(request: Request) -> None:
    """Log out."""
    logout(request)
