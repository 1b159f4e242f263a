"""FastAPI, which is served by uvicorn, with the templates, sessions and static files of Starlette.

The pages and the form are two apps, as for Ropewalk, so that a form is not behind the middleware of the sessions.
"""

from typing import Annotated

from fastapi import FastAPI, Form, HTTPException, Request
from jinja2 import pass_context
from pydantic import BaseModel
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from pages import HOTEL, ROOMS, SECRET, STATIC, TEMPLATES, USER, summary

pages = FastAPI(openapi_url=None)
pages.add_middleware(SessionMiddleware, secret_key=SECRET)
pages.mount("/static", StaticFiles(directory=STATIC), name="static")
templates = Jinja2Templates(directory=TEMPLATES)
templates.env.auto_reload = False  # with it, each page would check whether a template file has changed
typed = FastAPI(openapi_url=None)


@pass_context
def static_url(context, name):
    return context["request"].url_for("static", path=name)


templates.env.globals["static_url"] = static_url


class Booking(BaseModel):
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
async def enter(request: Request):
    request.session["user"] = USER
    return PlainTextResponse("entered")


@pages.get("/rooms", name="rooms")
async def rooms(request: Request):
    user = request.session.get("user")
    if user is None:
        raise HTTPException(403)
    return templates.TemplateResponse(request, "rooms.html", {"hotel": HOTEL, "user": user, "rooms": ROOMS})


@pages.get("/rooms/{number}", name="room")
async def room(number: int):
    return PlainTextResponse(str(number))


@typed.post("/bookings")
async def book(booking: Annotated[Booking, Form()]):
    return PlainTextResponse(summary(**booking.__dict__))
