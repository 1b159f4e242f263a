"""Apps that differ from each other in one thing. The difference of their figures is the cost of this thing.

`GET /enter` begins a session, and its response has a CSRF token for it. Without sessions, it does nothing.
"""

from ropewalk import App, Request, Response
from ropewalk.caching import Cache, CacheOptions
from ropewalk.sessions import SessionsOptions, csrf_token, flash, flashes, sessions
from ropewalk.stores import MemorySessions, SQLiteSessions

SECRET = "a secret of thirty-two bytes, or more"
TEXT = "Hello, World!"
LIMIT = 16 * 1024 * 1024


def reading(request: Request) -> str:
    return TEXT if request.session["user"] == "ada" else "?"


def writing(request: Request) -> str:
    request.session["visits"] = request.session["visits"] + 1
    return TEXT


def unread(request: Request) -> str:
    return TEXT


def cacheable(request: Request) -> str:
    return TEXT


def flashing(request: Request) -> str:
    """Show a message, and keep one for the next page."""
    shown = [each.text for each in flashes(request)]
    flash(request, "The room is booked.")
    return TEXT if len(shown) < 2 else "?"


def app_of(handler: object, *middleware: object) -> App:
    """An app with one handler, at GET and POST."""
    made = App(middleware=middleware)
    made.get("/text")(handler)
    made.post("/text")(handler)

    @made.get("/enter")
    def enter(request: Request) -> Response:
        response = Response("entered")
        if request.has_session:
            request.session["user"] = "ada"
            request.session["visits"] = 1
            response.headers["x-csrf-token"] = csrf_token(request)
        return response

    return made


def signed() -> object:
    return sessions(SessionsOptions(secret=SECRET))


none = app_of(unread)
around = app_of(unread, signed())
read = app_of(reading, signed())
written = app_of(writing, signed())
flashed = app_of(flashing, signed())
unchecked = app_of(unread, sessions(SessionsOptions(secret=SECRET, csrf=None)))
memory_read = app_of(reading, sessions(SessionsOptions(store=MemorySessions())))
memory_written = app_of(writing, sessions(SessionsOptions(store=MemorySessions())))
sqlite_read = app_of(reading, sessions(SessionsOptions(store=SQLiteSessions("sessions.db"))))
sqlite_written = app_of(writing, sessions(SessionsOptions(store=SQLiteSessions("sessions.db"))))

cached = app_of(Cache()(3600)(cacheable))
cached_without_status = app_of(Cache(CacheOptions(name=None))(3600)(cacheable))
cached_app = app_of(unread, Cache()(3600))
cached_inside = app_of(Cache()(3600)(cacheable), signed())
not_stored = app_of(unread, Cache()())

streamed = App()
parts = App()
collected = App()
form = App()


@streamed.post("/upload", body_limit=LIMIT)
async def streamed_body(request: Request) -> str:
    size = 0
    async for data in request.stream():
        size += len(data)
    return str(size)


@parts.post("/upload", body_limit=LIMIT)
async def streamed_parts(request: Request) -> str:
    size = 0
    async for part in request.multipart():
        async for data in part:
            size += len(data)
    return str(size)


@collected.post("/upload", body_limit=LIMIT)
async def collected_body(request: Request) -> str:
    return str(len(await request.body()))


@form.post("/upload", body_limit=LIMIT)
async def uploaded_file(request: Request) -> str:
    return str((await request.form()).files["photo"].size)
