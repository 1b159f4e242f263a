"""An API behind the ready-made middleware: `ropewalk run examples/protected_api.py`.

Try these in another terminal:

    curl -i http://127.0.0.1:8080/guests/1
    curl -i -H 'Origin: https://app.example.com' http://127.0.0.1:8080/guests/1
    curl -i -H 'Host: evil.test' http://127.0.0.1:8080/guests/1
    curl -i -X PUT --json '{"name": "Ada L."}' http://127.0.0.1:8080/guests/1
"""

from msgspec import Struct

from ropewalk import App, HTTPError, IfMatch, Request, Response
from ropewalk.etags import etag
from ropewalk.middleware import (
    AllowedHostsOptions,
    BodyLimitOptions,
    CacheHeadersOptions,
    CORSOptions,
    RequestIDOptions,
    SecurityHeadersOptions,
    TimeoutOptions,
    allowed_hosts,
    body_limit,
    cache_headers,
    conditional,
    cors,
    request_id,
    security_headers,
    timeout,
)

SCRIPTS = CORSOptions(origins=["https://app.example.com"], headers=["If-Match"], expose=["ETag"])

app = App(
    middleware=[
        request_id(RequestIDOptions(accept_from=["10.0.0.0/8"])),
        allowed_hosts(AllowedHostsOptions(hosts=["api.example.com", "localhost", "127.0.0.1"])),
        security_headers(SecurityHeadersOptions(csp="default-src 'none'")),
        cors(SCRIPTS),
        timeout(TimeoutOptions(seconds=10)),
        body_limit(BodyLimitOptions(body_limit=64 * 1024)),
        conditional(),
        cache_headers(CacheHeadersOptions(max_age=0)),
    ]
)


class Guest(Struct):
    """A guest of the hotel."""

    name: str


guests = {1: Guest("Ada")}


@app.get("/guests/{id}")
def read(request: Request, id: int) -> Response:
    if id not in guests:
        raise HTTPError(404)
    return Response(guests[id], headers={"etag": etag(guests[id])})


@app.put("/guests/{id}")
def change(id: int, guest: Guest, precondition: IfMatch) -> Response:
    """Change a guest, if the client has read its current version."""
    if id not in guests:
        raise HTTPError(404)
    precondition.check(etag(guests[id]))
    guests[id] = guest
    return Response(guest, headers={"etag": etag(guest)})


@app.get("/logo", middleware=[cache_headers(CacheHeadersOptions(max_age=86400, visibility="public", immutable=True))])
def logo(request: Request) -> Response:
    return Response(b"<svg xmlns='http://www.w3.org/2000/svg'/>", content_type="image/svg+xml")


if __name__ == "__main__":
    app.run(port=8080)
