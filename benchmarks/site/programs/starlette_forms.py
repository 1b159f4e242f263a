"""Starlette, which is served by uvicorn: the form is read by hand."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pages import FIELDS, summary


async def book(request: Request) -> PlainTextResponse:
    async with request.form() as form:
        fields = {name: form[name] for name in FIELDS}
    try:
        guests, nights = int(fields.pop("guests")), int(fields.pop("nights"))
    except ValueError:
        return PlainTextResponse("", 422)
    return PlainTextResponse(summary(**fields, guests=guests, nights=nights))


app = Starlette(routes=[Route("/bookings", book, methods=["POST"])])
