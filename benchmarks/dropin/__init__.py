"""Unchanged programs of twisted.web, WSGI and ASGI, with and without the engine."""
