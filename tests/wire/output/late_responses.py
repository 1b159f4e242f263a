"""Handlers that respond twice or too late."""

from collections.abc import Iterator
from typing import NoReturn

from tests.wire.output.later import later
from tests.wire.output.leaves import leaf_of

from ropewalk import NOT_DONE_YET, App, HTTPError, Request, Response

app = App()

leaf = leaf_of(app)


@leaf
def finishes_twice(request: Request) -> int:
    request.finish()
    request.finish()
    return NOT_DONE_YET


@leaf
def finishes_twice_after_writing(request: Request) -> int:
    request.write("Hello, World!")
    request.finish()
    request.finish()
    return NOT_DONE_YET


@leaf
def finishes_again_later(request: Request) -> int:
    request.write("Hello, World!")
    request.finish()
    later().addCallback(lambda _: request.finish())
    return NOT_DONE_YET


@leaf
def writes_after_the_end(request: Request) -> int:
    request.write("Hello, World!")
    request.finish()
    request.write("more")
    return NOT_DONE_YET


@leaf
def writes_later_after_the_end(request: Request) -> int:
    request.write("Hello, World!")
    request.finish()
    later().addCallback(lambda _: request.write("more"))
    return NOT_DONE_YET


@leaf
def returns_after_the_end(request: Request) -> str:
    request.write("Hello, World!")
    request.finish()
    return "more"


@leaf
def returns_a_response_after_the_end(request: Request) -> Response:
    request.write("Hello, World!")
    request.finish()
    return Response("more", 404)


@leaf
def returns_parts_after_the_end(request: Request) -> Iterator[str]:
    request.write("Hello, World!")
    request.finish()
    return iter(["more"])


@leaf
def responds_twice(request: Request) -> None:
    request.respond(200, (), b"Hello, World!")
    request.respond(200, (), b"Hello, World!")


@leaf
def raises_after_the_end(request: Request) -> NoReturn:
    request.write("Hello, World!")
    request.finish()
    raise LookupError("after the end")


@leaf
def returns_after_a_write(request: Request) -> str:
    request.write("some")
    return "more"


@leaf
def returns_a_response_after_a_write(request: Request) -> Response:
    request.write("some")
    return Response("more", 404)


@leaf
def returns_parts_after_a_write(request: Request) -> Iterator[str]:
    request.write("some")
    return iter(["more"])


@leaf
def begins_twice(request: Request) -> None:
    request.begin(200, ())
    request.begin(200, ())


@leaf
def interim_after_the_head(request: Request) -> None:
    request.begin(200, ())
    request.interim(103, [("link", "</>")])


@leaf
def upgrade_after_the_head(request: Request) -> None:
    request.begin(200, ())
    request.upgrade([("upgrade", "rope")])


@leaf
def raises_http_error_after_the_head(request: Request) -> NoReturn:
    request.write("some")
    raise HTTPError(404)
