"""WSGI applications in the tree: Flask, Django, Bottle and whatever else speaks WSGI (PEP 3333).

    app.mount("/", wsgi(application))

The application is called on a thread, with one hop there and one back. Threads never touch the engine: what they say of
an answer is handed over, and the reactor's thread answers.
"""

from ropewalk.wsgi.application_check import Application, Environ, StartResponse
from ropewalk.wsgi.file_wrapper import FileWrapper
from ropewalk.wsgi.resource import WSGIOptions, WSGIResource, wsgi

__all__ = ["Application", "Environ", "FileWrapper", "StartResponse", "WSGIOptions", "WSGIResource", "wsgi"]
