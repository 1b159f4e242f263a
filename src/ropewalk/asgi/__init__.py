"""ASGI applications in the tree: FastAPI, Starlette, Django and any other that implements ASGI 3.0.

    app.mount("/", asgi(application))

Only HTTP is supported. A request for a WebSocket reaches the application as an HTTP request, and gets an HTTP response.
"""

from ropewalk.asgi.messages import Application, ClientGone, Message, Receive, Scope, Send
from ropewalk.asgi.options import ASGIOptions
from ropewalk.asgi.resource import ASGIResource, asgi

__all__ = ["ASGIOptions", "ASGIResource", "Application", "ClientGone", "Message", "Receive", "Scope", "Send", "asgi"]
