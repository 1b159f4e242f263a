"""The options of `Templates`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ropewalk.errors import KnownOptions, OptionError, is_int, misfit, named, shown
from ropewalk.request import Request

ErrorPages = str | Mapping[int, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatesOptions(KnownOptions):
    """How templates are found and rendered. Raises HandlerError (RW291) for an invalid value."""

    context: Callable[[Request], Mapping[str, Any]] | None = None
    """A function that takes the request and returns names for each page: `lambda request: {"user": ...}`. The names
    that a handler gives take precedence.
    """
    globals: Mapping[str, Any] = field(default_factory=dict)
    """Names that all templates and their macros have."""
    filters: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """Filters by name: `{"euros": format_euros}` for `{{ room.price|euros }}`."""
    tests: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """Tests by name, for `{% if room is free %}`."""
    extensions: tuple[str, ...] = ()
    """Extensions of Jinja, such as "jinja2.ext.do"."""
    error_pages: ErrorPages = "errors"
    """The templates for errors, for clients that accept HTML. A str is a folder of the templates: an error with status
    404 has the page `404.html` there, or else `4xx.html`. A mapping has the template for each status. None: no error
    pages."""
    text_endings: tuple[str, ...] = (".txt", ".md", ".csv")
    """The endings of templates that do not make HTML, so values in them are not escaped."""
    lenient: bool = False
    """Whether an undefined name is an empty text. By default it is an error, because it is usually a mistake."""
    trim: bool = True
    """Whether a line that has only a `{% ... %}` is left out of the page. Otherwise, it is an empty line there."""
    enable_async: bool = False
    """Whether templates may call coroutine functions, whose results are then awaited. Pages take longer to render."""
    reload: bool | None = None
    """Whether a changed template is read again. None: only with `App(debug=True)` and under `ropewalk dev`."""

    def __post_init__(self) -> None:
        for name in ("lenient", "trim", "enable_async"):
            if not isinstance(getattr(self, name), bool):
                raise _wrong(name, getattr(self, name), "Write True or False.")
        if not isinstance(self.reload, bool | None):
            raise _wrong("reload", self.reload, "Write True, False or None.")
        self._check_context()
        for name in ("filters", "tests"):
            self._check_functions(name)
        _check_mapping("globals", self.globals)
        for name in ("extensions", "text_endings"):
            self._check_strings(name)
        self._check_error_pages()

    def _check_context(self) -> None:
        if self.context is None:
            return
        if not callable(self.context):
            raise _wrong("context", self.context, "Give a function of the request that returns a dict.")
        why = misfit(self.context, "request")
        if why is not None:
            what = f"TemplatesOptions: context is {named(self.context)}, which cannot be called with a request: {why}."
            raise OptionError("RW291", what, "Give a function of the request that returns a dict.")

    def _check_functions(self, name: str) -> None:
        functions = getattr(self, name)
        _check_mapping(name, functions)
        for key, function in functions.items():
            if not callable(function):
                raise _wrong(f"{name}[{key!r}]", function, "Give a function.")

    def _check_strings(self, name: str) -> None:
        value = getattr(self, name)
        if isinstance(value, str) or not all(isinstance(each, str) for each in value):
            raise _wrong(name, value, "Give a list of str.")
        object.__setattr__(self, name, tuple(value))

    def _check_error_pages(self) -> None:
        pages: Any = self.error_pages
        if pages is None or isinstance(pages, str):
            return
        remedy = 'Give a folder of the templates, or a mapping such as {404: "missing.html"}.'
        if not isinstance(pages, Mapping):
            raise _wrong("error_pages", pages, remedy)
        for status, name in pages.items():
            if not is_int(status) or not 400 <= status <= 599 or not isinstance(name, str):
                raise _wrong("error_pages", {status: name}, remedy)


def _check_mapping(name: str, value: object) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise _wrong(name, value, "Give a dict whose keys are names.")


def _wrong(name: str, value: object, remedy: str) -> OptionError:
    return OptionError("RW291", f"TemplatesOptions: {name} cannot be {shown(value)}.", remedy)
