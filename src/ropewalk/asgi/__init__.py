"""ASGI applications in the tree: FastAPI, Starlette, Django and whatever else speaks ASGI 3.0.

    app.mount("/", asgi(application))

HTTP only: a request that wants to become a WebSocket is an ordinary one to the application, and is answered as such.
"""

from ropewalk.asgi.messages import Application, ClientGone, Message, Receive, Scope, Send
from ropewalk.asgi.resource import ASGIOptions, ASGIResource, asgi

__all__ = ["ASGIOptions", "ASGIResource", "Application", "ClientGone", "Message", "Receive", "Scope", "Send", "asgi"]
