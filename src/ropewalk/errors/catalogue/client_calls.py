"""Errors of calls to other services: codes RW35x and RW36x."""

from typing import Final

from ropewalk.errors.catalogue.entry import Entry

CLIENT_CALLS: Final = (
    Entry(
        "RW350",
        "No connection to a service could be made.",
        "Check that the service runs, and the host, port and certificate in the URL.",
    ),
    Entry(
        "RW351",
        "A call to a service took longer than one of its timeouts.",
        "Find out why the service is slow, or allow more time with `timeouts=Timeouts(...)`.",
    ),
    Entry(
        "RW352",
        "The connection to a service ended before the response was complete, or the response violates HTTP.",
        "Look in the log of the service. Repeat the call only if it may be made twice.",
    ),
    Entry(
        "RW353",
        "A service responded with a status other than 200 to 299.",
        "Handle the status: catch BadStatus, or call without `type=` and read `response.status`.",
    ),
    Entry(
        "RW354",
        "The body of a response does not have the expected form.",
        "Compare the type with what the service sends.",
    ),
    Entry(
        "RW355",
        "The body of a response is larger than `body_limit`.",
        "Allow more with `body_limit=`, or use `client.stream` to read the body part by part.",
    ),
    Entry(
        "RW356",
        "A redirect was not followed.",
        "Call the new URL. If you trust its origin, set `cross_origin_redirects=True`.",
    ),
    Entry(
        "RW357",
        "A call to a service has a wrong argument.",
        "Correct the argument that the message names.",
    ),
    Entry(
        "RW358",
        "A client was closed while a call was running.",
        "Close the client after the last call, for example with `app.on_stop(client.close)`.",
    ),
    Entry(
        "RW359",
        "An option of an HTTP client is wrong.",
        "Give the option a value that the message describes.",
    ),
    Entry(
        "RW360",
        "An HTTP client needs a package that is not installed.",
        "Install the extra that the message names.",
    ),
    Entry(
        "RW361",
        "A test made a call that its FakeService does not expect.",
        "Add a reply with `fake.reply(method, path, ...)`, or correct the call.",
    ),
    Entry(
        "RW362",
        "The body of a streamed response was read twice, or after the response was closed.",
        "Read the body once, inside `async with await client.stream(...)`.",
    ),
)
