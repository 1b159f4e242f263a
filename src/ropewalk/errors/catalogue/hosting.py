"""Errors of hosted applications (WSGI, ASGI, twisted.web): codes RW7xx."""

from typing import Final

from ropewalk.errors.catalogue.entry import Entry
from ropewalk.errors.installing import install_remedy

HOSTING: Final = (
    Entry(
        "RW700",
        "A WSGI application called start_response with invalid arguments, or twice.",
        'Call it once, with a status such as "200 OK" and a list of headers, each a tuple of two str.',
    ),
    Entry(
        "RW701",
        "A WSGI application sent a body before its head.",
        "Call start_response before the first part of the body.",
    ),
    Entry(
        "RW702",
        "A WSGI application returned a value that is not an iterable of bytes.",
        'Return a list of bytes such as [b"..."], or another iterable of bytes.',
    ),
    Entry(
        "RW703",
        "A WSGI application set a hop-by-hop header.",
        "Leave it out: the server manages the connection.",
    ),
    Entry(
        "RW704",
        "A WSGI application sent a body with a status that allows no body.",
        "Do not send a body with this status. Ropewalk has dropped it.",
    ),
    Entry(
        "RW705",
        "Too many requests waited for a thread of a WSGI application.",
        "Find what blocks the threads, or use more: wsgi(application, WSGIOptions(threads=...)).",
    ),
    Entry(
        "RW706",
        "A WSGI application was still running when the app stopped.",
        "Make it end sooner: a thread cannot be ended from outside.",
    ),
    Entry(
        "RW707",
        "The argument of `wsgi` is not a WSGI application.",
        "Give a callable such as `def application(environ, start_response)`.",
    ),
    Entry(
        "RW710",
        "An ASGI application needs an asyncio reactor, and another reactor is installed.",
        "Call `ropewalk.install_reactor()` before the first import of twisted.internet.reactor. `ropewalk run` and "
        "App.run do so by themselves, but too late if your program, or a module that it imports, has that import.",
    ),
    Entry("RW711", "An ASGI application failed to start.", "Fix the cause that the application reports."),
    Entry("RW712", "The lifespan of an ASGI application failed.", "Fix the cause that the application reports."),
    Entry(
        "RW713",
        "An ASGI application sent an invalid message.",
        "Send http.response.start once, then http.response.body. The last one has no more_body.",
    ),
    Entry(
        "RW714",
        "An ASGI application returned before the end of its response.",
        "Return after an http.response.body without more_body.",
    ),
    Entry(
        "RW715",
        "The argument of `asgi` is not an ASGI application.",
        "Give a callable such as `async def application(scope, receive, send)`.",
    ),
    Entry(
        "RW716",
        "A background task of an ASGI application was cancelled, because the server stopped.",
        "Make it end sooner, or run it elsewhere.",
    ),
    Entry(
        "RW720",
        "An endpoint description with the prefix ropewalk: is malformed.",
        'Write it as "ropewalk:tcp:8080" or "ropewalk:idle_timeout=30:tcp:8080".',
    ),
    Entry(
        "RW721",
        "A factory that does not serve HTTP listens on an endpoint with the prefix ropewalk:.",
        "Listen with a Site, or leave out the prefix.",
    ),
    Entry("RW723", "The program to run does not exist.", "Name a script, an installed command, or -m and a module."),
    Entry(
        "RW724",
        "The program to run is installed for another Python.",
        "Run it with the Python for which it is installed.",
    ),
    Entry(
        "RW730",
        "An app is grafted onto a twisted.web tree whose site the engine does not serve.",
        "Serve the site with `ropewalk.dropin.accelerate(site)`, the endpoint prefix ropewalk: or `ropewalk "
        "exec`. Over HTTP/2, a grafted app does not work, because Twisted's own code serves HTTP/2.",
    ),
    Entry(
        "RW731",
        "An app is grafted onto a twisted.web tree that is itself mounted in an app.",
        "Mount the grafted app in the other app, at its own path.",
    ),
    Entry(
        "RW740",
        "A subclass of HTTPChannel has overrides that only Twisted's own code calls. Twisted serves its connections.",
        "The program works. To use the engine, override only the methods that docs/reference/dropin.md lists.",
    ),
    Entry(
        "RW741",
        "A connected channel got an override that only Twisted's own code calls.",
        "Set it in `buildProtocol`, or override it in a subclass.",
    ),
    Entry(
        "RW742",
        "An app is grafted onto a twisted.web tree whose channel overrides the methods that send responses.",
        "Set headers in a middleware of the app, or on the request before it reaches the app.",
    ),
    Entry(
        "RW743",
        "A factory that the engine serves builds other protocols than Ropewalk's channels. Twisted serves these.",
        "Derive the protocols from ropewalk.dropin.HTTPChannel.",
    ),
    Entry(
        "RW748",
        "A twisted.web site got a connection that another protocol reads, or has read.",
        "No action is needed. If the site has its own port, the engine owns the sockets and is faster.",
    ),
    Entry(
        "RW750",
        "A feature needs a package that is not installed.",
        "Install the extra that the message names. " + install_remedy("tls"),
    ),
    Entry(
        "RW751",
        "A twisted.web program responds with an invalid status.",
        "Give setResponseCode a status from 200 to 599: a 1xx status is not final (RFC 9110, section 15.2).",
    ),
    Entry(
        "RW755",
        "The installed version of Twisted lacks a name that Ropewalk uses.",
        "Install a tested version of Twisted, or a version of Ropewalk that supports this one.",
    ),
    Entry(
        "RW756",
        "A twisted.web program runs on a version of Twisted that Ropewalk is not tested with.",
        "Run the tests of your program with `ropewalk exec` first, or install a tested version.",
    ),
    Entry(
        "RW757",
        "`accelerate`, or an endpoint, got an object that the engine cannot serve.",
        "Give a twisted.web Site, or another HTTPFactory, whose channels derive from ropewalk.dropin.HTTPChannel.",
    ),
    Entry(
        "RW758",
        "An App or a Ropewalk resource is in a twisted.web tree without `graft`.",
        'Use `ropewalk.dropin.graft`: `root.putChild(b"api", graft(app))`; or serve the app alone with '
        "ropewalk.Site(app).",
    ),
)
