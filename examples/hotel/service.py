"""The complete service: its middleware (the outermost first), its mounted apps, and its description."""

import os

from hotel import bookings, desk, guests, rooms
from hotel.pages import static, templates
from hotel.staff import DESK_KEY
from ropewalk import App, OpenAPI
from ropewalk.auth import authenticate
from ropewalk.middleware import (
    CORSOptions,
    RateLimit,
    RateLimitOptions,
    SecurityHeadersOptions,
    conditional,
    cors,
    rate_limit,
    request_id,
    security_headers,
)

app = App(
    middleware=[
        request_id(),
        security_headers(SecurityHeadersOptions.for_sites()),
        cors(
            CORSOptions(
                origins=["https://desk.example.com"],
                headers=["If-Match", DESK_KEY.key_name],
                expose=["ETag", "Link", "Location"],
            )
        ),
        rate_limit(RateLimitOptions(limits=RateLimit(int(os.environ.get("HOTEL_REQUESTS", "600")), 60))),
        authenticate(DESK_KEY, optional=True),
        conditional(),
    ],
    openapi=OpenAPI(
        "Hotel",
        "1.0",
        description="Rooms, guests and bookings of one hotel.",
        ui=None,
        tags={
            "rooms": "Rooms, and which are free. Only the front desk may change them.",
            "guests": "The guests of the hotel.",
            "bookings": "Which guest has which room, and when.",
        },
        license={"name": "MIT", "identifier": "MIT"},
    ),
    templates=templates,
)
app.mount("/rooms", rooms.app)
app.mount("/guests", guests.app)
app.mount("/bookings", bookings.app)
app.mount("/desk", desk.app, hidden=True)
app.mount("/static", static, hidden=True)
