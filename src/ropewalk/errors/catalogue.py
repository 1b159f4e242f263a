"""Every error that Ropewalk raises or logs: a code, what happened and where in the user's code, and the remedy.

Codes: RW1xx the tree and its routes, RW2xx handlers and what they return, RW3xx one exchange, RW4xx start-up and the
command line, RW5xx the engine and its listening sockets, RW7xx hosted applications.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the catalogue."""

    code: str
    summary: str
    remedy: str


_ENTRIES: Final = (
    Entry("RW101", "A path pattern is malformed.", 'Write it as "/users/{id}" or "/users/{id:int}".'),
    Entry("RW102", "A path pattern names an unknown converter.", "Use str, int, float, uuid or path, or register it."),
    Entry("RW103", "The names of parameters clash in a path.", "Give each parameter a name of its own."),
    Entry("RW104", "A method and path are claimed twice.", "Rename one, or mount one of them under a prefix."),
    Entry("RW105", "Something was put into the tree that is not a resource.", "Derive it from ropewalk.Resource."),
    Entry("RW106", "A child's name is not one segment of a path.", "Put children level by level, or use App.mount."),
    Entry("RW107", "No route, or more than one, has the name given to url_for.", "Name routes with name=."),
    Entry(
        "RW108",
        "A path was asked of url_for with too few, too many or unfit parameters.",
        "Give those that the path names.",
    ),
    Entry("RW109", "A route is declared with methods that cannot be.", 'Write `@app.route("/", methods=["GET"])`.'),
    Entry("RW110", "The folder of Files does not exist.", "Name one that is there; it may be empty."),
    Entry(
        "RW201",
        "A handler returned something that is not an answer.",
        "Return str, bytes, dict, list, None, a Path, a "
        "Response, a dataclass, a msgspec Struct, an iterator, or a Deferred or coroutine of these.",
    ),
    Entry(
        "RW202", "A handler's parameters do not fit its path.", "Take the request and either all parameters or none."
    ),
    Entry(
        "RW203",
        "An asyncio awaitable was awaited on a reactor that is not asyncio's.",
        "Call `ropewalk.install_reactor()` above the first import of twisted.internet.reactor, or await Deferreds.",
    ),
    Entry(
        "RW204",
        "A coroutine awaited something that is neither a Deferred nor an asyncio awaitable.",
        "Await Deferreds, asyncio awaitables and coroutines made of these.",
    ),
    Entry("RW205", "A middleware is not a coroutine function.", "Write `async def middleware(request, next)`."),
    Entry(
        "RW206",
        "An error handler is registered for something that cannot happen, or twice, or does not fit.",
        "Register `def handler(request, error)` once, for an exception class or a status from 400 to 599.",
    ),
    Entry(
        "RW207",
        "A body cannot be read in the way that was asked for.",
        "Read the body once: by body(), text() or json(), or by stream(), or through content in a plain handler.",
    ),
    Entry(
        "RW208",
        "A handler raised an exception that nothing handles.",
        "Fix the cause shown in the traceback, or register an error handler for it.",
    ),
    Entry("RW209", "A middleware returned nothing.", "End it with `return response`, the one that `next` gave."),
    Entry("RW210", "A wait was used as if it were its result.", "Await it: `data = await request.json()`."),
    Entry(
        "RW211",
        "A body was to be read as a type that JSON cannot become.",
        "Read it as a dataclass, a msgspec.Struct, a TypedDict or the like; other types are made of `await "
        "request.body()`, as in `Model.model_validate_json(await request.body())` with Pydantic.",
    ),
    Entry(
        "RW212",
        "A value cannot be encoded as JSON.",
        "Give what msgspec encodes: str, numbers, bool, None, dict, list, dataclasses, Structs, dates, UUIDs and such.",
    ),
    Entry(
        "RW213",
        "Text cannot be sent in the charset that its Content-Type names.",
        "Name utf-8 or no charset; or encode the text yourself, and give bytes.",
    ),
    Entry(
        "RW220",
        "A coroutine awaited itself, or a future of another event loop.",
        "Await what was made in the same loop. From another thread, use asyncio.run_coroutine_threadsafe.",
    ),
    Entry(
        "RW221",
        "A handler returned Deferreds or coroutines in one another without end.",
        "Await the inner one, and return its value.",
    ),
    Entry(
        "RW222",
        "A response, or a hook, took longer than the client of a test waits.",
        "Have what it waits for fire, or give it longer: timeout=, in seconds, or None.",
    ),
    Entry(
        "RW223",
        "Clients of tests in two threads were to use the reactor at once, and nothing runs it.",
        "Use one thread, with AsyncClient and asyncio.gather for requests at once; or leave the clients of one thread "
        "before another uses its own.",
    ),
    Entry("RW301", "A handler wrote after the end of its answer.", "Write before you return or call finish."),
    Entry("RW302", "A handler started its answer twice.", "Answer once: return a value, or write and finish."),
    Entry(
        "RW303", "A body is not as long as its Content-Length.", "Leave Content-Length to the engine, or keep to it."
    ),
    Entry(
        "RW304",
        "A header, cookie, reason, redirect or status is not fit for the wire.",
        "Names are tokens and values have no control characters; a status is from 200 to 599. What frames a message is "
        "the engine's to set.",
    ),
    Entry("RW305", "The client left before the answer was complete.", "Nothing is wrong; clean up and let it pass."),
    Entry("RW306", "A handler held up the reactor.", "Await, or move the work away with deferToThread."),
    Entry("RW307", "A file became shorter while it was sent.", "Replace files by renaming; do not cut them."),
    Entry("RW401", "An endpoint description cannot be understood.", 'Write it as "tcp:8080" or "unix:/run/app.sock".'),
    Entry(
        "RW402",
        "It is not clear which proxies are to be trusted, or with what.",
        'Name addresses or networks such as "127.0.0.1" and "10.0.0.0/8", or "unix".',
    ),
    Entry("RW403", "A start hook failed.", "Fix the cause shown in the log above."),
    Entry(
        "RW404",
        "An app was given limits or proxies that would not count.",
        "Give them to the App that is served, or to its first `listen`.",
    ),
    Entry("RW411", "The file to serve does not exist.", "Check its name: the message suggests a close one."),
    Entry("RW412", "The module to serve does not exist.", "Check its name, and start where it can be imported."),
    Entry("RW413", "A module does not hold the name to serve.", "Name an App, Resource or Site in it: hello.py:app."),
    Entry(
        "RW414", "The thing to serve is not servable.", "Name an App, a Site, or one derived from ropewalk.Resource."
    ),
    Entry("RW415", "The module to serve cannot be imported.", "Fix the cause shown in the traceback below."),
    Entry("RW421", "A settings file cannot be read.", "Correct the file: it has to be TOML."),
    Entry(
        "RW422",
        "A settings file has a key that is no setting, or a value that it cannot have.",
        "See `ropewalk run --help` for those there are.",
    ),
    Entry("RW423", "A limit is unknown or out of range.", "See the table of limits in the documentation."),
    Entry("RW424", "The file of the access log cannot be opened.", "Name one in a folder that can be written to."),
    Entry(
        "RW501", "The engine cannot work on this system.", "Run on Linux, outside sandboxes that break nested epoll."
    ),
    Entry("RW502", "A listening socket cannot be opened.", "Stop what listens there, or choose another address."),
    Entry("RW503", "The engine was used from a thread other than its reactor's.", "Use reactor.callFromThread."),
    Entry("RW504", "There are no descriptors left for connections.", "Raise the limit of open files, `ulimit -n`."),
    Entry(
        "RW505",
        "The engine met a fault of its own: a socket that was lost, no means to wake itself, or a panic.",
        "Report it with the lines around it.",
    ),
    Entry("RW506", "There were no descriptors left to answer with.", "Raise the limit of open files, `ulimit -n`."),
    Entry("RW507", "There was no room left on a disk.", "Make some; large bodies are kept in the temporary folder."),
    Entry(
        "RW508",
        "A forked process could not have the engine's descriptors anew.",
        "Raise the limit of open files, `ulimit -n`; or fork before you listen, or start a new process.",
    ),
    Entry(
        "RW509",
        "A request was used in a process that was forked while it was handled.",
        "Respond in the process to which the request came; have the child send it the result.",
    ),
    Entry("RW510", "A message from a client was refused.", "Nothing is wrong here; the reason names the rule."),
    Entry(
        "RW511",
        "A forked process cannot have its reactor watch the engine.",
        "Use a version of Twisted that is tested, or the poll reactor; or start a new process in place of a fork.",
    ),
    Entry(
        "RW700",
        "A WSGI application called start_response with something that does not fit.",
        'Call it once, with a status such as "200 OK" and a list of headers, each a tuple of two str.',
    ),
    Entry(
        "RW701", "A WSGI application gave an answer without a head.", "Call start_response before the body has a part."
    ),
    Entry(
        "RW702",
        "A WSGI application returned something that is no body.",
        'Return a list of bytes such as [b"..."], or another iterable of bytes.',
    ),
    Entry(
        "RW703",
        "A WSGI application set a header that is about the connection.",
        "Leave it out: the connection is the server's to keep.",
    ),
    Entry("RW704", "A WSGI application gave a body where there is none.", "Leave it out; it was not sent."),
    Entry(
        "RW705",
        "Too many requests waited for a thread of a WSGI application.",
        "Find what holds the threads up, or have more: wsgi(application, WSGIOptions(threads=...)).",
    ),
    Entry(
        "RW706",
        "A WSGI application was still being called when the app stopped.",
        "Have it end sooner: nothing can end a thread from outside.",
    ),
    Entry(
        "RW707",
        "What was to be served by WSGI is no WSGI application.",
        "Give a callable such as `def application(environ, start_response)`.",
    ),
    Entry(
        "RW710",
        "An ASGI application was to run on a reactor that is not asyncio's.",
        "Call `ropewalk.install_reactor()` above the first import of twisted.internet.reactor. `ropewalk run` and "
        "App.run do so by themselves, but come too late where your program, or what it imports, has that import.",
    ),
    Entry("RW711", "An ASGI application did not start.", "Fix the cause that the application names."),
    Entry(
        "RW712", "The lifespan of an ASGI application did not end well.", "Fix the cause that the application names."
    ),
    Entry(
        "RW713",
        "An ASGI application sent a message that does not fit.",
        "Send http.response.start once, then http.response.body until the last, which has no more_body.",
    ),
    Entry(
        "RW714",
        "An ASGI application returned before the end of its answer.",
        "Return behind an http.response.body without more_body.",
    ),
    Entry(
        "RW715",
        "What was to be served by ASGI is no ASGI application.",
        "Give a callable such as `async def application(scope, receive, send)`.",
    ),
    Entry(
        "RW716", "Work behind the answers of an ASGI application was cut off.", "Let it end sooner, or run elsewhere."
    ),
    Entry(
        "RW720",
        "An endpoint description with the prefix ropewalk: cannot be understood.",
        'Write it as "ropewalk:tcp:8080" or "ropewalk:idle_timeout=30:tcp:8080".',
    ),
    Entry(
        "RW721",
        "Something that serves no HTTP was to listen on an endpoint with the prefix ropewalk:.",
        "Give it a Site, or leave out the prefix.",
    ),
    Entry("RW723", "The program to run does not exist.", "Name a script, an installed command, or -m and a module."),
    Entry("RW724", "The program to run is not for this Python.", "Run it by the Python for which it is installed."),
    Entry(
        "RW730",
        "An app is grafted upon a tree of twisted.web whose site the engine does not serve.",
        "Serve it by `ropewalk.dropin.accelerate(site)`, by the endpoint prefix ropewalk: or by `ropewalk exec`, and "
        "not by HTTP/2, which is Twisted's own.",
    ),
    Entry(
        "RW731",
        "An app is grafted upon a tree of twisted.web that is itself mounted in an app.",
        "Mount the inner app in the outer one, at its own path.",
    ),
    Entry(
        "RW740",
        "A channel of twisted.web's is overridden in such a way that its connections stay on Twisted's own code.",
        "Nothing is wrong. For the engine, override only what docs/reference/dropin.md says that the engine calls.",
    ),
    Entry(
        "RW741",
        "What only Twisted's own channel calls was overridden on a channel that was connected already.",
        "Set it in `buildProtocol`, or override it in a subclass.",
    ),
    Entry(
        "RW742",
        "An app is grafted upon a tree of twisted.web whose channel overrides what responses are sent by.",
        "Set headers by a middleware of the app, or on the request before the app's place in the tree.",
    ),
    Entry(
        "RW743",
        "A factory that the engine serves builds protocols that are not the engine's; they stay Twisted's.",
        "Have them derive from ropewalk.dropin.HTTPChannel.",
    ),
    Entry(
        "RW748",
        "A site of twisted.web was handed a connection on which another protocol reads, or has read.",
        "Nothing has to be done. Where the site can have a port of its own, the engine owns its sockets.",
    ),
    Entry(
        "RW750",
        "A feature needs a package that is not installed.",
        "Install it by the extra that the message names, such as `pip install 'ropewalk[tls]'`.",
    ),
    Entry(
        "RW751",
        "A program of twisted.web responds with a status that no response ends with.",
        "Give setResponseCode one from 200 to 599: a 1xx only announces a response (RFC 9110, section 15.2).",
    ),
    Entry(
        "RW755",
        "Twisted lacks something that Ropewalk needs of it.",
        "Install one of the tested versions of Twisted, or a Ropewalk that knows this one.",
    ),
    Entry(
        "RW756",
        "A program of twisted.web runs on a version of Twisted that Ropewalk is not tested with.",
        "Run the tests of your program by `ropewalk exec` first, or install a version that is tested.",
    ),
    Entry(
        "RW757",
        "Something was given to `accelerate`, or to an endpoint, that the engine cannot serve.",
        "Give a Site of twisted.web, or another HTTPFactory, whose channels derive from ropewalk.dropin.HTTPChannel.",
    ),
    Entry(
        "RW758",
        "An App, or a resource of Ropewalk's, is in a tree of twisted.web without `graft`.",
        'Put it there by `ropewalk.dropin.graft`, as in `root.putChild(b"api", graft(app))`; or serve it alone, by '
        "ropewalk.Site(app).",
    ),
)

CATALOGUE: Final[dict[str, Entry]] = {entry.code: entry for entry in _ENTRIES}

LATE_REMEDY: Final = "Fix the cause shown in the traceback."
"""The remedy of RW208 where an error handler would not help: it is called already, or a response has begun."""
