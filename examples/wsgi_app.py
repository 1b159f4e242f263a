"""A WSGI application beside a Ropewalk route. Any WSGI framework works in the same way.

Try these in another terminal:

    curl http://127.0.0.1:8080/
    curl http://127.0.0.1:8080/app/hello
    curl --data-binary @notes.txt http://127.0.0.1:8080/app/upper
    curl --no-buffer http://127.0.0.1:8080/app/countdown
    curl http://127.0.0.1:8080/app/source
"""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from ropewalk import App, Request, wsgi
from ropewalk.wsgi import Environ, StartResponse

TEXT = ("Content-Type", "text/plain; charset=utf-8")


def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Choose a function by the path, as a framework does."""
    match environ["PATH_INFO"]:
        case "/hello":
            start_response("200 OK", [TEXT])
            return [f"Hello, {environ['REMOTE_ADDR']}!\n".encode()]
        case "/upper":
            start_response("200 OK", [TEXT])
            return [environ["wsgi.input"].read().upper()]
        case "/countdown":
            return countdown(environ, start_response)
        case "/source":
            return source(environ, start_response)
        case _:
            start_response("404 Not Found", [TEXT])
            return [b"There is nothing here.\n"]


def countdown(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    """Send three parts, and wait after each. Each part is sent at once."""
    start_response("200 OK", [TEXT])
    for number in (b"3", b"2", b"1"):
        yield number + b"\n"
        time.sleep(0.1)
    yield b"Lift-off\n"


def source(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Return a file, which the engine sends and then closes."""
    start_response("200 OK", [TEXT])
    file = Path(__file__).open("rb")  # noqa: SIM115 - the wrapper closes it
    wrapper: Iterable[bytes] = environ["wsgi.file_wrapper"](file)
    return wrapper


app = App()
app.mount("/app", wsgi(application))


@app.get("/")
def index(request: Request) -> str:
    return "Ropewalk itself. Below /app it is the application.\n"


if __name__ == "__main__":
    app.run(port=8080)
