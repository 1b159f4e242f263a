"""A photo board: visitors see the photos, and users who log in add photos by a form.

Run it with `ropewalk dev serve.py` in this folder, and open http://127.0.0.1:8080/.
Log in as ada with the password rope.
"""

import os
from pathlib import Path
from secrets import token_hex
from typing import Annotated

from msgspec import Meta, Struct

from ropewalk import App, Form, HTTPError, Request, Response, Submitted, UploadFile
from ropewalk.auth import Principal, authenticate, requires, verify_password
from ropewalk.databases import SQLite, SQLiteOptions, SQLiteReader, SQLiteTransaction
from ropewalk.forms import FormLimits
from ropewalk.middleware import SecurityHeadersOptions, security_headers
from ropewalk.response import see_other
from ropewalk.sessions import (
    LoginThrottle,
    LoginThrottleOptions,
    SessionAuth,
    SessionsOptions,
    flash,
    login,
    logout,
    safe_redirect,
    sessions,
)
from ropewalk.static_files import Static
from ropewalk.stores import MemoryRateLimits, MemorySessions
from ropewalk.templating import TemplateResponse, Templates, TemplatesOptions, render

HERE = Path(__file__).parent
USERS = {"ada": "$argon2id$v=19$m=65536,t=3,p=4$3ADrApib4HESEcKGuXI+2A$SLxWTzkqbFtUNBCS5XddC9K14uIkcgPYG7LCDcLcYvw"}
"""The hash of each user's password, made with `hash_password`."""

KINDS = {b"\xff\xd8\xff": ".jpg", b"\x89PNG\r\n\x1a\n": ".png"}
"""The ending of a file, by its first bytes."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS photos (
    id INTEGER PRIMARY KEY,
    author TEXT NOT NULL,
    caption TEXT NOT NULL,
    file TEXT NOT NULL
);
"""


def data_folder() -> Path:
    """The folder of the database and of the photos. It is made if it is missing."""
    folder = Path(os.environ.get("PHOTO_BOARD_DATA", "data"))
    folder.mkdir(exist_ok=True)
    return folder


database = SQLite(lambda: data_folder() / "board.sqlite", SQLiteOptions(schema=SCHEMA))
Reader = Annotated[SQLiteReader, database.read]
Transaction = Annotated[SQLiteTransaction, database.transaction]


def name_user(request: Request) -> dict[str, str | None]:
    """What every template gets: the name of the user, or None."""
    return {"user": request.session.user}


app = App(
    middleware=[
        security_headers(SecurityHeadersOptions.for_sites()),
        sessions(SessionsOptions(store=MemorySessions(), insecure_localhost=True)),
        authenticate(SessionAuth(login_page="/login"), optional=True),
    ],
    templates=Templates(HERE / "templates", TemplatesOptions(context=name_user)),
)
app.mount("/static", Static(HERE / "static"))
attempts = MemoryRateLimits()
throttle = LoginThrottle(LoginThrottleOptions(store=attempts))


class Credentials(Struct):
    """The form to log in."""

    name: str
    password: str


@app.get("/login")
def show_login() -> TemplateResponse:
    return render("login.html", form=None)


@app.post("/login")
async def log_in(request: Request, form: Annotated[Submitted[Credentials], Form()]) -> Response:
    given = form.value
    if given is not None:
        await throttle.take(request, given.name)
        if not await verify_password(given.password, USERS.get(given.name)):
            form.errors.add("", "The name or the password is wrong.")
    if given is None or form.errors:
        return render("login.html", form=form, status=422)
    login(request, given.name)
    flash(request, f"Welcome, {given.name}.")
    return safe_redirect(request, default="/")


@app.post("/logout")
def log_out(request: Request) -> Response:
    logout(request)
    return see_other("/")


class Photo(Struct):
    """A photo as the page shows it."""

    id: int
    author: str
    caption: str


@app.get("/")
async def show_photos(reader: Reader) -> TemplateResponse:
    photos = await reader.fetch(Photo, "SELECT id, author, caption FROM photos ORDER BY id DESC LIMIT 50")
    return render("photos.html", photos=photos)


@app.get("/photos/{id:int}")
async def send_photo(id: int, reader: Reader) -> Path:
    file = await reader.fetch_one(str, "SELECT file FROM photos WHERE id = ?", (id,))
    if file is None:
        raise HTTPError(404, "This photo does not exist.")
    return data_folder() / file


class NewPhoto(Struct):
    """The form for a photo."""

    caption: Annotated[str, Meta(min_length=1, max_length=100)]
    photo: UploadFile


@app.get("/add")
@requires()
def show_form() -> TemplateResponse:
    return render("add.html", form=None)


@app.post("/add")
@requires()
async def add_photo(
    request: Request,
    user: Annotated[str, Principal()],
    form: Annotated[Submitted[NewPhoto], Form(limits=FormLimits(body_limit=10 << 20))],
    transaction: Transaction,
) -> Response:
    new = form.value
    ending = None if new is None else await ending_of(new.photo)
    if new is not None and ending is None:
        form.errors.add("photo", "Choose a photo in JPEG or PNG.")
    if new is None or form.errors:
        return render("add.html", form=form, status=422)
    file = f"{token_hex(16)}{ending}"
    await new.photo.save(data_folder() / file)
    insert = "INSERT INTO photos (author, caption, file) VALUES (?, ?, ?)"
    await transaction.execute(insert, (user, new.caption, file))
    flash(request, "Your photo is on the board.")
    return see_other("/")


async def ending_of(photo: UploadFile) -> str | None:
    """The ending for a photo, or None if it is of another kind. The client's name and type may be wrong."""
    start = await photo.read(8)
    return next((ending for sign, ending in KINDS.items() if start.startswith(sign)), None)


if __name__ == "__main__":
    app.run(port=8080)
