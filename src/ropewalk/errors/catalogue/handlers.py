"""Errors of handlers and their return values: codes RW2xx."""

from typing import Final

from ropewalk.errors.catalogue.entry import Entry
from ropewalk.errors.installing import install_remedy

HANDLERS: Final = (
    Entry(
        "RW201",
        "A handler returned a value that is not a response.",
        "Return str, bytes, dict, list, None, a Path, a Response, a dataclass, a msgspec Struct, a model of pydantic, "
        "an iterator, or a Deferred or coroutine of these.",
    ),
    Entry(
        "RW202",
        "A handler's parameters do not fit its path.",
        "Let the handler take the request, and either all path parameters or none.",
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
        "A handler raised an exception for which there is no error handler.",
        "Fix the cause shown in the traceback, or register an error handler for the exception.",
    ),
    Entry(
        "RW209",
        "A middleware returned None.",
        "End the middleware with `return response`, the response from `await next(request)`.",
    ),
    Entry("RW210", "A value was used before it was awaited.", "Await it: `data = await request.json()`."),
    Entry(
        "RW211",
        "JSON cannot be converted to the type of a request body.",
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
        "A parameter of a handler cannot be read from a request.",
        "Annotate it with a type that can be read, and mark it with Query, Header, Cookie, Path or Body if its source "
        "is not clear.",
    ),
    Entry(
        "RW215",
        "A handler returned a value that does not match its return annotation.",
        "Return a value of the annotated type, or correct the annotation.",
    ),
    Entry(
        "RW216",
        "A dependency has no provider.",
        'Register a provider, `app.provide("session", open_session)`, or pass the function: `Depends(open_session)`.',
    ),
    Entry(
        "RW217",
        "Providers of dependencies depend on each other in a circle.",
        "Move the part that these providers need from each other into another provider.",
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
        "Correct the option that the message names: docs/reference/openapi.md lists the options.",
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
        "Cause the event that the handler or hook waits for. Or set another timeout: `timeout=` takes seconds, or None "
        "for no limit.",
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
        "An option of a middleware, or of `Files`, has an invalid value.",
        "Give a value that the documentation of the option allows.",
    ),
    Entry(
        "RW231",
        "Options of a middleware contradict each other, or are unsafe together.",
        "Change one of the options, as the message says.",
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
        "A store of rate limits, idempotency keys, sessions or responses cannot be used at the moment.",
        "Check that it runs, is reachable and is fast. `on_store_failure` sets what happens to requests until then.",
    ),
    Entry(
        "RW235",
        "A store of rate limits, idempotency keys, sessions or responses has a wrong setting.",
        "Give a value that the documentation of the setting allows.",
    ),
    Entry(
        "RW236",
        "A function returned a rate limit key, an idempotency key or a part of a cache key that is not text.",
        "Return a str from the function, or None where the documentation allows it. `request.state.user` must be a "
        "str, an int, a UUID, or an object whose `id` is one.",
    ),
    Entry("RW237", "The package for a store in Redis is not installed.", install_remedy("redis")),
    Entry(
        "RW238",
        "A middleware that needs the user, such as a rate limit, runs before the middleware that authenticates, or "
        "a middleware that needs the session, such as `idempotency`, or a cache, runs before `sessions`.",
        "Put the middleware that authenticates, or `sessions`, before it. A function that identifies the user also "
        "replaces the middleware that authenticates.",
    ),
    Entry(
        "RW239",
        "A cache decorates something where it has no effect.",
        "Write `@cache(60)` below the route decorator, directly above the function.",
    ),
    Entry(
        "RW240",
        "Authentication is configured wrongly.",
        "Correct the option that the message names; the reference of ropewalk.auth lists the options.",
    ),
    Entry(
        "RW241",
        "A handler needs a principal, but the `authenticate` middleware is missing.",
        "Add the middleware to the app of the handler: App(middleware=[authenticate(BasicAuth(check))]).",
    ),
    Entry(
        "RW242",
        "A check of credentials returned True.",
        "Return the principal, such as the user or the name of the client, or None to refuse the credentials.",
    ),
    Entry(
        "RW243",
        "The keys for tokens could not be fetched from their issuer.",
        "Check the URL, and that this machine reaches it. Until the keys can be fetched, the old keys are used.",
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
        "RW250",
        "A session was used without the `sessions` middleware, or before it was loaded.",
        "Add `sessions` before all middleware that uses sessions, such as `authenticate`: "
        "App(middleware=[sessions(SessionsOptions(...)), authenticate(SessionAuth()), ...]). If the app has "
        "`sessions`, move it to the front.",
    ),
    Entry(
        "RW251",
        "A value cannot be kept in a session.",
        "Keep what JSON has: str, int, float, bool, None, and lists and dicts of these. Keep other objects in a "
        "database, and their ids in the session.",
    ),
    Entry(
        "RW252",
        "A session is too large.",
        "Keep less in it, or keep sessions on the server: SessionsOptions(store=SQLiteSessions(...)).",
    ),
    Entry(
        "RW253",
        "A session was changed after the response had begun, so the change would be lost.",
        "Change the session before the first part of the response is sent.",
    ),
    Entry(
        "RW254",
        "A feature needs sessions on the server, but sessions are kept in cookies.",
        "Give a store: SessionsOptions(store=SQLiteSessions(...)).",
    ),
    Entry("RW255", "The package for sessions in signed cookies is not installed.", install_remedy("sessions")),
    Entry(
        "RW256",
        "A session cookie was sent over http. Browsers drop it, unless a proxy speaks HTTPS for this server.",
        "Serve over HTTPS; behind a proxy, set TrustedProxies. For development, set "
        "SessionsOptions(insecure_localhost=True). In tests, use Client(app, secure=True).",
    ),
    Entry(
        "RW257",
        "`login` was called with something that does not identify a user.",
        "Give the id of the user as str, int or UUID, such as the key in your database.",
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
        "Too many background tasks wait to run after responses. A request that adds another one gets 503.",
        "Find out which tasks are slow, or use a queue outside this process.",
    ),
    Entry(
        "RW264",
        "A background task that ran after a response raised an exception.",
        "Fix the cause shown in the traceback. The client already has its response.",
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
    Entry(
        "RW270",
        "An option that does not exist was given to a route, a mount, an app, a cookie, a client or an options object.",
        "Correct its name. The reference lists the options.",
    ),
    Entry(
        "RW271",
        "An option of an app, a route, a mount, a hosted application or a FakeService has an invalid value.",
        "Give a value that the documentation of the option allows.",
    ),
    Entry(
        "RW272",
        "The cookies of a request were changed, which would have no effect.",
        "To set a cookie, return a Response on which you have called `set_cookie`. To change a copy, use "
        "`dict(request.cookies)`.",
    ),
    Entry(
        "RW275",
        "A limit of a form is not a number of 0 or more.",
        "Give a number, such as FormLimits(body_limit=20 << 20). The reference of ropewalk.forms lists the limits.",
    ),
    Entry(
        "RW276",
        "A file of a form was read after it was closed.",
        "Read or save the file before the response is complete. A function given to `request.after` runs later, "
        "when the file is closed.",
    ),
    Entry(
        "RW277",
        "A file of a form was saved under the path of a folder.",
        "Give the path of a file, with a name that your program chooses.",
    ),
    Entry("RW278", "The package that parses forms with files is not installed.", install_remedy("forms")),
    Entry(
        "RW279",
        "A part of a form was read after the next part was taken.",
        "Read each part before the loop continues, or call `request.form()`, which keeps all parts.",
    ),
    Entry(
        "RW280",
        "A database was busy for too long, or too many requests waited for it. The response was 503.",
        "Keep transactions short: do slow work before their first statement, and read with `SQLite.read`.",
    ),
    Entry(
        "RW281",
        "A database or a transaction was used after its end.",
        "Use a transaction only in its own handler, and await every statement there. Do not end it yourself: it "
        "commits when the handler ends. Close a database only after its last use.",
    ),
    Entry("RW282", "A statement that writes was given to a reader.", "Use `SQLite.transaction` to write."),
    Entry("RW283", "A database got a wrong path, option or value.", "Correct what the message names."),
    Entry("RW284", "A statement of a database was never awaited.", "Await it: `await transaction.execute(...)`."),
    Entry(
        "RW285",
        "An operation failed, and no code awaited it.",
        "Write `await` before the call that begins the operation, or handle its failure: `.addErrback(...)`.",
    ),
    Entry("RW290", "The package that renders templates is not installed.", install_remedy("templates")),
    Entry(
        "RW291",
        "Templates got a wrong folder or option, or an app has no templates.",
        'Give the app its folder of templates: `app.templates = Templates(Path(__file__).parent / "templates")`.',
    ),
    Entry(
        "RW292",
        "A template, or a block of a template, does not exist.",
        "Correct the name. It is relative to the folder of the templates.",
    ),
    Entry(
        "RW293",
        "A template uses a name or an attribute that is not defined.",
        "Pass it to `render`, or write `{% if name is defined %}` or `{{ name|default('') }}`.",
    ),
    Entry("RW294", "A template has a syntax error.", "Correct the line that the message names."),
    Entry(
        "RW295",
        "A function of a template needs something that the app does not have.",
        "Add what the message names to the app.",
    ),
)
