"""A form with a file: show it again with messages if it is invalid, and redirect after it is saved.

python examples/booking_form.py
"""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from secrets import token_hex
from tempfile import gettempdir
from typing import Annotated

from msgspec import Meta, Struct

from ropewalk import App, Form, Request, Response, Submitted, UploadFile
from ropewalk.forms import FormLimits
from ropewalk.response import see_other

app = App()

PHOTOS = Path(gettempdir()) / "ropewalk-photos"
LIMITS = FormLimits(body_limit=20 << 20, file_limit=10 << 20)
FIELDS = (("name", "text", ""), ("guests", "number", "1"), ("breakfast", "checkbox", "on"), ("photo", "file", ""))
KINDS = {"image/jpeg": ".jpg", "image/png": ".png"}


class Booking(Struct):
    """The fields of the form."""

    name: Annotated[str, Meta(min_length=1)]
    guests: Annotated[int, Meta(ge=1, le=4)]
    breakfast: bool
    photo: UploadFile | None = None


bookings: list[str] = []
comments: list[str] = []


@app.get("/")
def show() -> Response:
    items = "".join(f"<li>{escape(each)}</li>" for each in bookings)
    return Response.html(f"<ul>{items}</ul>{form_page({}, {})}")


@app.post("/")
async def book(form: Annotated[Submitted[Booking], Form(limits=LIMITS)]) -> Response:
    booking = form.value
    if booking is not None and booking.photo is not None and booking.photo.content_type not in KINDS:
        form.errors.add("photo", "Choose a photo in JPEG or PNG.")
    if booking is None or form.errors:
        return Response.html(form_page(form.raw, form.errors), 422)
    if booking.photo is not None:
        PHOTOS.mkdir(exist_ok=True)
        await booking.photo.save(PHOTOS / f"{token_hex(16)}{KINDS[booking.photo.content_type]}")
    bookings.append(f"{booking.name}, {booking.guests}, {'with' if booking.breakfast else 'without'} breakfast")
    return see_other("/")


def form_page(raw: Mapping[str, str], errors: Mapping[str, list[str]]) -> str:
    """The form, with what the user has sent and the messages."""
    fields = "".join(
        f'<p><label>{name} <input name="{name}" type="{kind}" value="{escape(raw.get(name, value))}"'
        f"{' checked' if kind == 'checkbox' and name in raw else ''}></label> "
        f"{escape(' '.join(errors.get(name, ())))}</p>"
        for name, kind, value in FIELDS
    )
    return f'<form method="post" enctype="multipart/form-data">{fields}<button>Book</button></form>'


@app.post("/sizes")
async def measure(request: Request) -> dict[str, int]:
    sizes: dict[str, int] = {}
    async for part in request.multipart(FormLimits(body_limit=1 << 30)):
        async for data in part:
            sizes[part.name] = sizes.get(part.name, 0) + len(data)
    return sizes


@app.post("/comments")
async def comment(text: Annotated[str, Form()], rating: Annotated[int, Form()] = 3) -> Response:
    comments.append(f"{text} ({rating})")
    return see_other("/")


@app.post("/search")
async def search(request: Request) -> list[str]:
    form = await request.form()
    return [each for each in bookings if form.get("name", "") in each]


if __name__ == "__main__":
    app.run(port=8080)
