"""`App`: a tree of resources with middleware, error handlers, and start and stop hooks."""

from ropewalk.app.app import App
from ropewalk.app.server_functions import ServerFunctions, register_server

__all__ = ["App", "ServerFunctions", "register_server"]

App.__module__ = __name__  # users import App from this module
