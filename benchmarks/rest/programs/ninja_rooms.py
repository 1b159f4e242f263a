"""Django Ninja, which is served by granian, without any middleware of Django."""

from django.conf import settings

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[], SECRET_KEY="x" * 50)

from django.core.asgi import get_asgi_application  # noqa: E402 - Django needs its settings first
from django.http import HttpRequest  # noqa: E402 - as above
from django.urls import path  # noqa: E402 - as above
from ninja import NinjaAPI  # noqa: E402 - as above
from rooms_pydantic import ROOMS, Room  # noqa: E402 - as above

api = NinjaAPI()


@api.post("/rooms", response={201: Room})
async def add(request: HttpRequest, room: Room) -> tuple[int, Room]:
    return 201, room


@api.get("/rooms", response=list[Room])
async def rooms(request: HttpRequest) -> list[Room]:
    return ROOMS


app = get_asgi_application()
urlpatterns = [path("", api.urls)]
