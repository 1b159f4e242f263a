"""Programs of twisted.web, WSGI and ASGI as they are, and the same ones on the engine."""
