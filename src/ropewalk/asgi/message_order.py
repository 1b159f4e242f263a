"""The order in which an application sends its messages (ASGI's "HTTP & WebSocket", and its extensions).

| stage | what was sent | what the application may send |
|---|---|---|
| NEW | nothing | `http.response.start`, `http.response.early_hint` |
| HEAD | nothing; the head is kept | `http.response.body`, `http.response.pathsend`, `http.response.early_hint` |
| BODY | the head, and perhaps parts of the body | the same; an early hint is dropped |
| TRAILERS | head and body | `http.response.trailers` |
| COMPLETE | the whole response | nothing |
| GONE | any of these, before the client left or its request was refused | anything; it is dropped |
"""

from typing import Final

NEW: Final = 0
HEAD: Final = 1
BODY: Final = 2
TRAILERS: Final = 3
COMPLETE: Final = 4
GONE: Final = 5

STAGES: Final = {
    "http.response.start": (NEW,),
    "http.response.body": (HEAD, BODY),
    "http.response.pathsend": (HEAD, BODY),
    "http.response.trailers": (TRAILERS,),
    "http.response.early_hint": (NEW, HEAD, BODY),
}
"""The stages in which each message is allowed."""

WHEN: Final = (
    "before http.response.start",
    "where the body is expected",
    "where the body is expected",
    "where http.response.trailers is expected",
    "after the end of the response",
)
"""The last words of the error text for an invalid message, indexed by the stage in which the message was sent."""
