"""Rate limits by client address, by user, and by your own key.

Send this several times, and the third response is a 429:

    curl -i http://127.0.0.1:8080/login --json '{"name": "ada"}'
"""

import os
from urllib.parse import parse_qs

from msgspec import Struct

from ropewalk import App, Request, Response
from ropewalk.middleware import Next, RateLimit, RateLimitOptions, rate_limit
from ropewalk.stores import MemoryRateLimits, RateLimitStore, RedisRateLimits, RedisServer


def make_store() -> RateLimitStore:
    """Use Redis if REDIS_URL names a server, so that all processes count together."""
    url = os.environ.get("REDIS_URL")
    return RedisRateLimits(RedisServer(url)) if url else MemoryRateLimits()


store = make_store()


def is_health_check(request: Request) -> bool:
    """Health checks of the load balancer are not limited."""
    return request.path == "/health"


everywhere = RateLimitOptions(
    limits=[RateLimit(20, 1, burst=50), RateLimit(10_000, 24 * 3600, name="daily")],
    exempt=is_health_check,
    store=store,
)
app = App(middleware=[rate_limit(everywhere)])


@app.get("/")
def index(request: Request) -> str:
    return "Hello\n"


@app.get("/health")
def health(request: Request) -> str:
    return "well\n"


# Limit login attempts for each client, and for each user name from all clients.


class Attempt(Struct):
    """The field by which logins are counted. Other fields, such as the password, are ignored."""

    name: str


async def tried_name(request: Request) -> str:
    """Return the name in a JSON body. A request without a name gets 422."""
    return (await request.json(Attempt)).name


attempts = RateLimitOptions(
    limits=[RateLimit(2, 60, name="client"), RateLimit(10, 3600, key=tried_name, name="account")],
    store=store,
    namespace="login",
    on_store_failure="closed",
)
login = App(middleware=[rate_limit(attempts)])


@login.post("")
def log_in(request: Request) -> str:
    return "Not yet\n"


app.mount("/login", login)


async def tried_name_in_form(request: Request) -> str | None:
    """Return the name in a form, or None: then only the limit of the client applies."""
    return parse_qs(await request.text()).get("name", [None])[0]


attempts_by_form = RateLimitOptions(
    limits=RateLimit(10, 3600, key=tried_name_in_form), store=store, namespace="sign-in"
)


@app.post("/sign-in", middleware=[rate_limit(attempts_by_form)])
def sign_in(request: Request) -> str:
    return "Not yet\n"


# The limit for each user, for requests from all addresses.


async def authenticate(request: Request, next: Next) -> Response:
    """Use your own middleware instead, which sets `request.state.user`."""
    request.state.user = request.header("x-demo-user")
    return await next(request)


api = App(
    middleware=[
        authenticate,
        rate_limit(RateLimitOptions(limits=RateLimit(3, 60, key="user"), store=store, namespace="api")),
    ]
)


@api.get("/quote")
def quote(request: Request) -> dict[str, str]:
    return {"quote": "Less is more."}


app.mount("/api", api)

if __name__ == "__main__":
    app.run(port=8080)
