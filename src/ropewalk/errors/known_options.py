"""The error (RW270) for an option that does not exist. It names the option that was meant, also in other frameworks."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from ropewalk.errors.exceptions import OptionError

ELSEWHERE: Final = {
    "allow_credentials": ("credentials", "Here it is credentials."),
    "allow_headers": ("headers", "Here it is headers."),
    "allow_methods": ("methods", "Here it is methods."),
    "allow_origins": ("origins", "Here it is origins."),
    "expose_headers": ("expose", "Here it is expose."),
    "httponly": ("http_only", "Here it is http_only."),
    "samesite": ("same_site", "Here it is same_site."),
    "status_code": ("status", "Here it is status."),
    "response_model": ("status", "Here the return annotation says it: `-> Room`."),
    "include_in_schema": ("hidden", "Here it is hidden=True."),
    "dependencies": ("middleware", "Here it is middleware=[...], or a parameter with Depends."),
    "endpoint": ("name", "Here it is name."),
    "title": ("openapi", "Here it is openapi=OpenAPI(title=...)."),
    "version": ("openapi", "Here it is openapi=OpenAPI(version=...)."),
    "description": ("openapi", "Here it is openapi=OpenAPI(description=...)."),
    "docs_url": ("openapi", "Here it is openapi=OpenAPI(...)."),
    "lifespan": ("openapi", 'Here it is @app.on_start and @app.on_stop, or a provider with scope="app".'),
}
"""What to write instead of options of other frameworks, where the option that comes first exists."""

for _bound in ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern", "multiple_of"):
    ELSEWHERE[_bound] = ("example", f"Here it is a Meta of msgspec: `Annotated[..., Query(), Meta({_bound}=...)]`.")


def unknown_option(call: str, name: str, known: Collection[str]) -> OptionError:
    """The error for an option that is not among the known ones. `call` names what was called, such as "App"."""
    needed, hint = ELSEWHERE.get(name, (None, ""))
    if needed not in known:
        close = get_close_matches(name, sorted(known), n=1)
        hint = f"Did you mean {close[0]}?" if close else f"The options are {', '.join(sorted(known))}."
    return OptionError("RW270", f"{call} has no option {name!r}.", hint)


class KnownOptions:
    """The base class of dataclasses of options. An option that does not exist raises HandlerError (RW270)."""

    __slots__ = ()

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Any]]
    else:  # with `__new__`, type checkers would not report wrong options

        def __new__(cls, *given: Any, **options: Any) -> Self:
            fields = cls.__dataclass_fields__
            known = [name for name, field in fields.items() if field.init]
            for name in options:
                if name not in known:
                    raise unknown_option(cls.__name__, name, known)
            if len(given) > len([name for name in known if not fields[name].kw_only]):
                remedy = f"Write {cls.__name__}({known[0]}=...)."
                raise OptionError("RW270", f"{cls.__name__} takes its options by name.", remedy)
            return super().__new__(cls)
