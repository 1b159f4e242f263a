"""The catalogue of error codes: what each code means in general, and what to do.

The error that is raised or logged adds what happened, and where in the user's code.

Codes: RW1xx are for the tree and its routes, RW2xx for handlers and their return values, RW3xx for one exchange, RW4xx
for start-up and the command line, RW5xx for the engine and its listening sockets, RW7xx for hosted applications.
"""

from dataclasses import dataclass
from typing import Final

from ropewalk.errors.installing import install_remedy


@dataclass(frozen=True, slots=True)
class Entry:
    """A code, its meaning, and what to do."""

    code: str
    summary: str
    remedy: str


_ENTRIES: Final = (
    Entry("RW101", "A path pattern is malformed.", 'Write it as "/users/{id}" or "/users/{id:int}".'),
    Entry("RW102", "A path pattern names an unknown converter.", "Use str, int, float, uuid or path, or register it."),
    Entry("RW103", "Two parameters of a path have the same name.", "Give each parameter a different name."),
    Entry("RW104", "A method and path are registered twice.", "Rename one, or mount one of them under a prefix."),
    Entry("RW105", "An object in the tree is not a resource.", "Derive its class from ropewalk.Resource."),
    Entry(
        "RW106", "The name of a child is not one segment of a path.", "Put children level by level, or use App.mount."
    ),
    Entry(
        "RW107",
        "`url_for` was called with a name that no route has, or that several routes have.",
        "Give each route its own name: name=.",
    ),
    Entry(
        "RW108",
        "`url_for` was called with parameters that do not fit the path.",
        "Give exactly the parameters that the path names, with values that their converters accept.",
    ),
    Entry("RW109", "A route is declared with invalid methods.", 'Write `@app.route("/", methods=["GET"])`.'),
    Entry("RW110", "The folder of Files does not exist.", "Name an existing folder. It may be empty."),
    Entry(
        "RW201",
        "A handler returned a value that is not a response.",
        "Return str, bytes, dict, list, None, a Path, a Response, a dataclass, a msgspec Struct, a model of pydantic, "
        "an iterator, or a Deferred or coroutine of these.",
    ),
    Entry(
        "RW202", "A handler's parameters do not fit its path.", "Take the request and either all parameters or none."
    ),
    Entry(
        "RW203",
        "An asyncio awaitable was awaited, but the reactor is not an asyncio reactor.",
        "Call `ropewalk.install_reactor()` before the first import of twisted.internet.reactor, or await Deferreds.",
    ),
    Entry(
        "RW204",
        "A coroutine awaited something that is neither a Deferred nor an asyncio awaitable.",
        "Await Deferreds, asyncio awaitables and coroutines made of these.",
    ),
    Entry("RW205", "A middleware is not a coroutine function.", "Write `async def middleware(request, next)`."),
    Entry(
        "RW206",
        "An error handler has the wrong signature, is registered twice, or is registered for an invalid value.",
        "Register `def handler(request, error)` once, for an exception class or a status from 400 to 599.",
    ),
    Entry(
        "RW207",
        "A body was read in two ways, or before it was complete.",
        "Read the body once: by body(), text() or json(), by stream(), or through content in a plain handler.",
    ),
    Entry(
        "RW208",
        "A handler raised an exception that nothing handles.",
        "Fix the cause shown in the traceback, or register an error handler for it.",
    ),
    Entry(
        "RW209",
        "A middleware returned None.",
        "End it with `return response`, the response from `await next(request)`.",
    ),
    Entry("RW210", "A value was used before it was awaited.", "Await it: `data = await request.json()`."),
    Entry(
        "RW211",
        "The type to read a body as cannot be decoded from JSON.",
        "Use a dataclass, a msgspec.Struct, a TypedDict, a built-in type or a model of pydantic that is not a field of "
        "these. Build other types from `await request.body()`.",
    ),
    Entry(
        "RW212",
        "A value cannot be encoded as JSON.",
        "Use types that msgspec encodes: str, numbers, bool, None, dict, list, dataclasses, Structs, models of "
        "pydantic, dates and UUIDs.",
    ),
    Entry(
        "RW213",
        "Text cannot be encoded in the charset that its Content-Type names.",
        "Name utf-8 or no charset, or encode the text yourself and return bytes.",
    ),
    Entry(
        "RW214",
        "A parameter of a handler cannot come from a request.",
        "Annotate it with a type that can be read, and mark it with Query, Header, Cookie, Path or Body if its source "
        "is not clear.",
    ),
    Entry(
        "RW215",
        "A handler returned a value that does not match its return annotation.",
        "Return what the annotation says, or correct the annotation.",
    ),
    Entry(
        "RW216",
        "A dependency has no provider.",
        'Provide its name, `app.provide("session", open_session)`, or give the function: `Depends(open_session)`.',
    ),
    Entry(
        "RW217",
        "Providers of dependencies depend on each other in a circle.",
        "Move the part that both need into a third provider.",
    ),
    Entry(
        "RW218",
        "A provider of a dependency is not declared or used correctly.",
        'Give a function that returns its value, or yields it once. With scope="app", it may take only values of '
        'app-scoped providers, and the app must be started. With scope="request", a provider that yields must not take '
        'values of providers with scope="handler".',
    ),
    Entry(
        "RW219",
        "The API description (OpenAPI) cannot be made with the options of a route or of `app.openapi`.",
        "Correct the option that the message names: docs/reference/openapi.md lists them.",
    ),
    Entry(
        "RW220",
        "A coroutine awaited itself, or a future of another event loop.",
        "Await futures of the same loop. From another thread, use asyncio.run_coroutine_threadsafe.",
    ),
    Entry(
        "RW221",
        "A handler returned Deferreds or coroutines nested too deeply.",
        "Await the nested Deferred or coroutine, and return its value.",
    ),
    Entry(
        "RW222",
        "A response or a hook took longer than the timeout of the test client.",
        "Fire the event that it waits for, or raise the timeout: timeout=, in seconds, or None.",
    ),
    Entry(
        "RW223",
        "Test clients in two threads used the reactor at the same time, while it was not running.",
        "Use one thread, with AsyncClient and asyncio.gather for concurrent requests; or close the clients of one "
        "thread before another thread uses its own.",
    ),
    Entry(
        "RW224",
        "A test client cannot follow a redirect.",
        "Leave out follow_redirects, and look at the status and the Location of the response.",
    ),
    Entry(
        "RW225",
        "A Client was used in a thread where an event loop or the reactor runs.",
        "Use AsyncClient in coroutines.",
    ),
    Entry(
        "RW226",
        "A handler continued in the thread of the running reactor, and its test client is in another thread.",
        "Let the reactor run the test, with AsyncClient.",
    ),
    Entry(
        "RW227",
        "A response to a test client is not successful.",
        "Look at the body that the message shows. To test such a response, check its status, and do not call "
        "raise_for_status.",
    ),
    Entry(
        "RW228",
        "Values cannot be converted to the return annotation of a handler.",
        "Import the names of the annotation at run time, not only for type checkers, and use types that msgspec or "
        "pydantic supports.",
    ),
    Entry(
        "RW229",
        "The media types of a route (`produces=`) are wrong, or a value cannot be sent as one of them.",
        'Write `produces=["application/json"]`, or a dict with a function for each type that needs one.',
    ),
    Entry(
        "RW230",
        "An option of a middleware has an invalid value.",
        "Give a value that the documentation of the option allows.",
    ),
    Entry(
        "RW231",
        "Options of a middleware contradict each other, or are unsafe together.",
        "Change one of them, as the message says.",
    ),
    Entry(
        "RW232",
        "A middleware was made with an argument that is not its options object.",
        "Call it with its options object, such as `cors(CORSOptions(...))`.",
    ),
    Entry(
        "RW233",
        "A pattern of origins, hosts or networks for a middleware is malformed.",
        'Write an origin as "https://app.example.com", a host as "app.example.com", and all subdomains as '
        '"*.example.com".',
    ),
    Entry(
        "RW234",
        "A store of rate limits or idempotency keys cannot be used at the moment.",
        "Check that it runs, is reachable and is fast. `on_store_failure` sets how requests are handled until then.",
    ),
    Entry(
        "RW235",
        "A store of rate limits or idempotency keys has a wrong setting.",
        "Give a value that the documentation of the setting allows.",
    ),
    Entry(
        "RW236",
        "A function returned a key for a rate limit or an idempotency key that is not text.",
        "Return a str from the function, or None where the documentation allows it. `request.state.user` must be a "
        "str, an int, a UUID, or an object whose `id` is one.",
    ),
    Entry("RW237", "The package for a store in Redis is not installed.", install_remedy("redis")),
    Entry(
        "RW238",
        "A middleware that counts or keeps something for each user does not know the user yet.",
        "Put the middleware that authenticates in front of it, or give it a function that identifies the user.",
    ),
    Entry(
        "RW240",
        "Authentication is configured wrongly.",
        "Correct the option that the message names; the reference of ropewalk.auth lists them.",
    ),
    Entry(
        "RW241",
        "A handler needs a principal, but the `authenticate` middleware is missing.",
        "Add the middleware to its app: App(middleware=[authenticate(BasicAuth(check))]).",
    ),
    Entry(
        "RW242",
        "A check of credentials returned True.",
        "Return the principal, such as the user or the name of the client, or None to refuse the credentials.",
    ),
    Entry(
        "RW243",
        "The keys for tokens could not be fetched from their issuer.",
        "Check the URL, and that this machine reaches it. Keys that were fetched before are used meanwhile.",
    ),
    Entry(
        "RW244",
        "Authentication needs a package that is not installed.",
        install_remedy("auth"),
    ),
    Entry(
        "RW245",
        "A login provider could not be reached, or sent a response that cannot be used.",
        "Check its URLs, and that this machine reaches it. The response to the browser was 502 or 503.",
    ),
    Entry(
        "RW246",
        "A login provider refused a request from this application.",
        "Compare the client id, the client secret, redirect_uri and the scopes with those registered at the provider.",
    ),
    Entry(
        "RW247",
        "The claims of a login do not fit into a cookie.",
        "Name fewer claims in the option `claims`, or keep logins on the server with the option `store`.",
    ),
    Entry(
        "RW260",
        "A patch was applied to an object that is invalid for its type.",
        "Give `apply` an object of the type that the annotation names, or of a type with the same fields.",
    ),
    Entry("RW261", "The package for JSON Patch is not installed.", install_remedy("patch")),
    Entry(
        "RW262",
        "`request.after` was given something that cannot be called.",
        "Give the function and its arguments: `request.after(send_mail, guest)`, not the result of a call.",
    ),
    Entry(
        "RW263",
        "Too many background tasks wait to run after responses. Requests that add one get 503.",
        "Find out which tasks take long, or give the work to a queue outside this process.",
    ),
    Entry(
        "RW264",
        "A background task that ran after a response raised an exception.",
        "Fix the cause shown in the traceback. The client has its response, so nothing else reports this.",
    ),
    Entry(
        "RW265",
        "A background task that ran after a response was cancelled, because the server stopped.",
        "Raise `drain_timeout`, or keep work that must not be lost in a queue outside this process.",
    ),
    Entry(
        "RW266",
        "The options of CursorPages are wrong.",
        "Give the type of an item's key, and a secret of 16 random bytes or more, such as secrets.token_hex(16).",
    ),
    Entry("RW301", "A handler wrote after the end of its response.", "Write before you return or call finish."),
    Entry("RW302", "A handler started its response twice.", "Respond once: return a value, or write and finish."),
    Entry(
        "RW303",
        "The length of a body differs from its Content-Length.",
        "Leave Content-Length to the engine, or correct it.",
    ),
    Entry(
        "RW304",
        "A header, cookie, reason phrase, redirect or status is invalid.",
        "Names must be tokens, values must have no control characters, a status must be from 200 to 599. The engine "
        "sets the headers that frame a message.",
    ),
    Entry(
        "RW305",
        "The client left before the response was complete.",
        "No action is needed. Clean up, and re-raise the error.",
    ),
    Entry("RW306", "A handler blocked the reactor.", "Await, or run the work in a thread with deferToThread."),
    Entry("RW307", "A file became shorter while it was sent.", "Replace files by renaming; do not truncate them."),
    Entry("RW401", "An endpoint description is malformed.", 'Write it as "tcp:8080" or "unix:/run/app.sock".'),
    Entry(
        "RW402",
        "The settings for trusted proxies are incomplete or invalid.",
        'Name addresses or networks such as "127.0.0.1" and "10.0.0.0/8", or "unix".',
    ),
    Entry("RW403", "A start hook failed.", "Fix the cause shown in the log above."),
    Entry(
        "RW404",
        "An app has limits or trusted proxies that would have no effect.",
        "Give them to the App that is served, or to its first `listen`.",
    ),
    Entry("RW411", "The file to serve does not exist.", "Check its name. The message may suggest a similar one."),
    Entry("RW412", "The module to serve does not exist.", "Check its name, and start where it can be imported."),
    Entry("RW413", "A module does not have the name to serve.", "Name an App, Resource or Site in it: hello.py:app."),
    Entry("RW414", "The object to serve is not an App, a Site or a resource.", "Name one of these: hello.py:app."),
    Entry("RW415", "The module to serve cannot be imported.", "Fix the cause shown in the traceback below."),
    Entry("RW421", "A settings file cannot be read.", "Correct the file: it must be TOML."),
    Entry(
        "RW422",
        "A settings file has an unknown key or an invalid value.",
        "See `ropewalk run --help` for the settings.",
    ),
    Entry("RW423", "A limit is unknown or out of range.", "See the table of limits in the documentation."),
    Entry("RW424", "The file of the access log cannot be opened.", "Name a file in a writable folder."),
    Entry(
        "RW501", "The engine cannot work on this system.", "Run on Linux, outside sandboxes that break nested epoll."
    ),
    Entry(
        "RW502",
        "A listening socket cannot be opened.",
        "Stop the program that listens there, or choose another address.",
    ),
    Entry("RW503", "The engine was used from a thread that is not its reactor's.", "Use reactor.callFromThread."),
    Entry("RW504", "No file descriptors are left for connections.", "Raise the limit of open files, `ulimit -n`."),
    Entry(
        "RW505",
        "The engine has an internal error: a lost socket, a failed wakeup, or a panic.",
        "Report it, with the log lines around it.",
    ),
    Entry(
        "RW506", "No file descriptors were left to respond to a request.", "Raise the limit of open files, `ulimit -n`."
    ),
    Entry("RW507", "A disk was full.", "Free some space. Large bodies are kept in the temporary folder."),
    Entry(
        "RW508",
        "A forked process could not open the engine's file descriptors again.",
        "Raise the limit of open files, `ulimit -n`; or fork before you listen, or start a new process.",
    ),
    Entry(
        "RW509",
        "A request was used in a process that was forked while it was handled.",
        "Respond in the process that received the request. Let the child send it the result.",
    ),
    Entry(
        "RW510", "A malformed message from a client was rejected.", "No action is needed. The reason names the rule."
    ),
    Entry(
        "RW511",
        "The reactor of a forked process cannot watch the engine.",
        "Use a tested version of Twisted, or the poll reactor; or start a new process instead of a fork.",
    ),
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
    Entry("RW704", "A WSGI application sent a body where the status allows none.", "Leave it out. It was not sent."),
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
        "Serve the site with `ropewalk.dropin.accelerate(site)`, the endpoint prefix ropewalk: or `ropewalk exec`. "
        "HTTP/2 does not work: Twisted's own code serves it.",
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
        "A factory that the engine serves builds other protocols. Twisted serves their connections.",
        "Derive the protocols from ropewalk.dropin.HTTPChannel.",
    ),
    Entry(
        "RW748",
        "A twisted.web site got a connection that another protocol reads, or has read.",
        "No action is needed. The engine owns the sockets of a site that has its own port, which is faster.",
    ),
    Entry(
        "RW750",
        "A feature needs a package that is not installed.",
        "Install the extra that the message names. " + install_remedy("tls"),
    ),
    Entry(
        "RW751",
        "A twisted.web program responds with an invalid status.",
        "Give setResponseCode one from 200 to 599: a 1xx status is not final (RFC 9110, section 15.2).",
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

CATALOGUE: Final[dict[str, Entry]] = {entry.code: entry for entry in _ENTRIES}

LATE_REMEDY: Final = "Fix the cause shown in the traceback."
"""The remedy of RW208 if an error handler does not help, because it was already called or the response has begun."""
