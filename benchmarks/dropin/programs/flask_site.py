"""The Flask application of `flask_hello.py` in a site of twisted.web."""

import sys

from flask_hello import app
from twisted.internet import reactor
from twisted.web.server import Site
from twisted.web.wsgi import WSGIResource

root = WSGIResource(reactor, reactor.getThreadPool(), app)
reactor.listenTCP(int(sys.argv[1]), Site(root), backlog=1024, interface="127.0.0.1")
reactor.run()
