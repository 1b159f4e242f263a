"""WSGI applications in the resource tree: Flask, Django, Bottle and any other that implements WSGI (PEP 3333).

    app.mount("/", wsgi(application))

The application is called on a thread. Threads never use the engine: a thread queues its response, and the reactor's
thread sends it.
"""

from ropewalk.wsgi.application_check import Application, Environ, StartResponse
from ropewalk.wsgi.file_wrapper import FileWrapper
from ropewalk.wsgi.options import WSGIOptions
from ropewalk.wsgi.resource import WSGIResource, wsgi

__all__ = ["Application", "Environ", "FileWrapper", "StartResponse", "WSGIOptions", "WSGIResource", "wsgi"]
