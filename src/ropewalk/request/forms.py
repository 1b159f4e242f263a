"""The body of a request as a form."""

from typing import Final, cast

from ropewalk.errors import ExchangeError, HTTPError
from ropewalk.forms import (
    DEFAULT_LIMITS,
    MULTIPART,
    URLENCODED,
    FormData,
    FormLimits,
    MultipartForm,
    PartStream,
    boundary_of,
    parse_urlencoded,
)
from ropewalk.headers import content_type
from ropewalk.request.body import PART, UNREAD, BodyReader
from ropewalk.request.unsupported_media_type import AcceptedTypes
from ropewalk.tracebacks import without_frames
from ropewalk.waiting import Waiter, call_soon, failed, ready

FORMS: Final = AcceptedTypes((URLENCODED, MULTIPART))
_MULTIPART_ONLY: Final = AcceptedTypes((MULTIPART,))

FORM_LIMITS: Final = "ropewalk_form_limits"
"""The name of an attribute of the function that calls a handler and its middleware. The attribute has the limits of the
handler's form."""

QUANTUM: Final = 512 * 1024
"""If a body has already arrived: how many bytes of it are parsed before other requests run."""


class FormReader(BodyReader):
    """An exchange with the methods that read the request body as a form."""

    __slots__ = ("_form", "_form_error", "_form_reading")

    _form: FormData
    """The form, once it is parsed."""
    _form_error: BaseException
    """Why the form could not be parsed."""
    _form_reading: "_FormReading"

    def form(self, limits: FormLimits | None = None) -> Waiter[FormData]:
        """Parse the body as a form, of the type `application/x-www-form-urlencoded` or `multipart/form-data`.

        Fields are text. Files are in memory, or above a certain size in a temporary file, which is deleted when the
        response is complete. The first call parses the form, and later calls return the same FormData. Without
        `limits`, the limits of the handler's `Form` parameters apply, also in a middleware. A request without a body is
        an empty form.

        Fails with BodyTooLarge (413) if the form is over a limit, with BadBody (400) if it is malformed, with HTTPError
        415 if it is of another type or has an unsupported charset, with HandlerError (RW278) if the package `multipart`
        is needed and not installed, and with the errors of `body`.
        """
        kept = self.kept_form
        if kept is not None:
            return ready(kept)
        reading: _FormReading | None = getattr(self, "_form_reading", None)
        if reading is not None:
            return reading.wait()
        kept_error: BaseException | None = getattr(self, "_form_error", None)
        if kept_error is not None:
            return failed(kept_error)
        try:
            limits = limits or self._limits_of_handler()
            given = self.header("content-type")
            if given is None and not self.has_body:
                return ready(self.keep_form(FormData()))
            kind = URLENCODED if given == URLENCODED else content_type(given)[0]
            if kind == URLENCODED:
                body = self._collected(_smaller(limits))
                if body is None:
                    later = self._body_later().addCallback(self._keep_urlencoded, given, limits)
                    return cast("Waiter[FormData]", later)
                return ready(self._keep_urlencoded(body, given, limits))
            FORMS.check(given)
            self._form_reading = reading = _FormReading(self, MultipartForm(boundary_of(given or ""), limits))
            waiter = reading.wait()
            reading.start(limits)
            return waiter
        except Exception as error:  # noqa: BLE001 - as in `body`
            return failed(error)

    def multipart(self, limits: FormLimits = DEFAULT_LIMITS) -> PartStream:
        """Return the parts of a multipart form as they arrive: `async for part in request.multipart()`.

        Nothing is kept: the client waits while your code handles a part. Raises HTTPError 415 for a body of another
        type, BadBody (400) for a malformed Content-Type, and HandlerError (RW278) if the package `multipart` is not
        installed. The iterator raises the errors of `form`.
        """
        given = self.header("content-type")
        _MULTIPART_ONLY.check(given)
        boundary = boundary_of(given or "")
        return PartStream(self.stream(limits.body_limit), boundary, limits)

    @property
    def kept_form(self) -> FormData | None:
        """The form if it has been parsed; else None."""
        return getattr(self, "_form", None)

    def _limits_of_handler(self) -> FormLimits:
        found = getattr(getattr(self.engine_handler, "call", None), FORM_LIMITS, None)
        return found if isinstance(found, FormLimits) else DEFAULT_LIMITS

    def _keep_urlencoded(self, body: bytes, given: str | None, limits: FormLimits) -> FormData:
        return self.keep_form(parse_urlencoded(body, given, limits))

    def keep_form(self, form: FormData) -> FormData:
        """Keep the parsed form for later calls of `form`."""
        self._form = form
        self._forget_reading()
        return form

    def keep_form_error(self, error: Exception) -> None:
        """Keep the error of the parser, so that later calls of `form` fail with the same error."""
        self._form_error = without_frames(error)  # its frames refer to the request
        self._forget_reading()

    def _forget_reading(self) -> None:
        if hasattr(self, "_form_reading"):
            del self._form_reading  # its reference to the request would make a cycle


class _FormReading:
    """Parses a multipart form while its body arrives. Any number of waits may begin before its end."""

    def __init__(self, request: FormReader, parser: MultipartForm) -> None:
        self._request = request
        self._parser = parser
        self._waits: list[Waiter[FormData]] = []

    def start(self, limits: FormLimits) -> None:
        """Begin to parse. What has arrived already is parsed at once, up to QUANTUM bytes."""
        request = self._request
        try:
            request.stream(limits.body_limit)  # refuses a body that was streamed; positions a complete one at its start
        except Exception as error:  # noqa: BLE001 - the Waiters get the error
            self._fail(error)
            return
        self._parser.delete_files_after(request.disconnected)
        if request.streamed:
            self._take()
        else:
            self._read_content()

    def wait(self) -> Waiter[FormData]:
        """A new wait for the form."""
        waiter: Waiter[FormData] = Waiter()
        self._waits.append(waiter)
        return waiter

    def _read_content(self) -> None:
        """Parse a body that has arrived, in parts, so that other requests can run."""
        request = self._request
        if request.finished:
            self._fail(request.end_error(UNREAD))
            return
        try:
            left = QUANTUM
            while left > 0:
                data = request.content.read(PART)
                if not data:
                    request.content.seek(0)  # a plain handler may read it again
                    self._end()
                    return
                self._parser.feed(data)
                left -= len(data)
        except Exception as error:  # noqa: BLE001 - the Waiters get the error
            self._fail(error)
            return
        call_soon(self._read_content)

    def _take(self, _: None = None) -> None:
        """Parse what has arrived, and wait for more."""
        request = self._request
        try:
            while (data := request.take()) is not None:
                if not data:
                    self._end()
                    return
                self._parser.feed(data)
        except Exception as error:  # noqa: BLE001 - the Waiters get the error
            self._fail(error)
            return
        request._readable().addCallbacks(self._take, lambda failure: self._fail(failure.value))  # noqa: SLF001 - they work together

    def _end(self) -> None:
        form = self._request.keep_form(self._parser.end())
        for waiter in self._ended():
            waiter.callback(form)

    def _fail(self, error: Exception) -> None:
        self._request.keep_form_error(error)
        self._parser.close()
        for waiter in self._ended():
            if isinstance(error, ExchangeError | HTTPError):
                waiter.give_up(error)  # a client's mistake, which must not be logged if the handler has ended
            else:
                waiter.errback(error)

    def _ended(self) -> list[Waiter[FormData]]:
        waits, self._waits = self._waits, []
        return [each for each in waits if not each.called]


def _smaller(limits: FormLimits) -> int | None:
    """The limit of a urlencoded body; None if the limit of the route or of the engine applies."""
    return None if limits.body_limit is None else min(limits.body_limit, limits.fields_limit)
