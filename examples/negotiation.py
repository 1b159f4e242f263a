"""One resource in two media types: the client chooses by its Accept field.

python examples/negotiation.py
curl -H "Accept: text/csv" http://127.0.0.1:8080/rooms
"""

from ropewalk import App, HTTPError, Request, Response
from ropewalk.negotiation import preferred

ROOMS = ["Attic", "Garden", "Harbour"]

app = App()


@app.get("/rooms")
def rooms(request: Request) -> Response:
    kind = preferred(request.header("accept"), ["application/json", "text/csv"])
    if kind is None:
        raise HTTPError(406, "This list is JSON or CSV.")
    body = ROOMS if kind == "application/json" else "\n".join(ROOMS)
    return Response(body, content_type=kind, headers={"Vary": "Accept"})


if __name__ == "__main__":
    app.run(port=8080)
