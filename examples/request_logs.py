"""One line of JSON for everything that happens, with the request in each line.

    python request_logs.py
    curl 'http://127.0.0.1:8080/rooms/5?token=secret'

The line of the handler and the line of the access log have the same request_id and the same room. The token is redacted
in both.
"""

import logging

from ropewalk import App, Request
from ropewalk.logs import LogOptions
from ropewalk.middleware import request_id

log = logging.getLogger("hotel")
app = App(middleware=[request_id()])

LOGS = LogOptions(
    format="json",
    access_fields=("time", "method", "target", "route", "status", "seconds", "request_id", "room"),
)


@app.get("/rooms/{id}")
def show_room(request: Request, id: int) -> dict[str, int]:
    """Show a room. Its number is in every later line of the request."""
    request.log(room=id)
    log.info("found by %s", request.url)
    return {"id": id}


if __name__ == "__main__":
    app.run(logs=LOGS)
