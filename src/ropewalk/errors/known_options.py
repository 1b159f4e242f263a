"""The errors for options that do not exist (RW270), are missing (RW377), or have values of wrong types (RW376).

RW270 suggests the option that was probably meant, also for a name that is an option of another framework.
"""

from collections.abc import Collection, Mapping
from dataclasses import MISSING
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar, Final

from ropewalk.errors.exceptions import OptionError, RopewalkError
from ropewalk.errors.naming import full_name, shown
from ropewalk.errors.option_types import wrong_option

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
    "params": ("query", "Here it is query."),
    "data": ("form", "Here it is form, for the fields of a form, or body."),
    "content": ("body", "Here it is body."),
    "timeout": ("timeouts", "Here it is timeouts=Timeouts(total=...)."),
    "follow_redirects": ("redirects", "Here it is redirects, the most that are followed."),
    "allow_redirects": ("redirects", "Here it is redirects, the most that are followed."),
    "max_redirects": ("redirects", "Here it is redirects."),
    "raise_server_exceptions": ("raise_errors", "Here it is raise_errors."),
    "verify": ("ca_file", "Here it is ca_file, the certificate authorities to trust."),
    "lifespan": ("openapi", 'Here it is @app.on_start and @app.on_stop, or a provider with scope="app".'),
}
"""For options of other frameworks: an option of Ropewalk, and a hint. The hint is used only for a call that has this
option."""

for _bound in ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern", "multiple_of"):
    ELSEWHERE[_bound] = ("example", f"Here it is a Meta of msgspec: `Annotated[..., Query(), Meta({_bound}=...)]`.")


def unknown_option(call: str, name: str, known: Collection[str]) -> OptionError:
    """The error for an option that is not among the known ones. `call` names what was called, such as "App"."""
    needed, hint = ELSEWHERE.get(name, (None, ""))
    if needed not in known:
        close = get_close_matches(name, sorted(known), n=1)
        hint = f"Did you mean {close[0]}?" if close else f"The options are {', '.join(sorted(known))}."
    return OptionError("RW270", f"{call} has no option {name!r}.", hint)


class _CheckedClass(type):
    """The metaclass of classes of options: it checks the arguments with which options are made."""

    def __call__(cls, *given: Any, **options: Any) -> Any:
        """Make options. Raises HandlerError: RW270, RW376 and RW377 for wrong arguments."""
        fields = vars(cls).get("__dataclass_fields__", {})
        known = [name for name, field in fields.items() if field.init]
        for name in options:
            if name not in known:
                raise unknown_option(cls.__name__, name, known)
        if len(given) > len([name for name in known if not fields[name].kw_only]):
            remedy = f"Write {cls.__name__}({known[0]}=...)." if known else ""
            raise OptionError("RW270", f"{cls.__name__} takes its options by name.", remedy)
        arguments = {**dict(zip(known, given, strict=False)), **options}
        for name in known:
            if name not in arguments and fields[name].default is fields[name].default_factory is MISSING:
                what = f"{cls.__name__} was called without {name}."
                raise OptionError("RW377", what, f"Write {cls.__name__}(..., {name}=...).")
        try:
            made = super().__call__(*given, **options)
        except RopewalkError:
            raise
        except Exception as error:
            # The class's own check has failed, perhaps because a value has a wrong type. If so, report the type.
            _check_types(cls, arguments, error)
            raise
        _check_types(cls, arguments, None)
        return made


def _check_types(kind: type, arguments: Mapping[str, Any], cause: Exception | None) -> None:
    """Raises HandlerError (RW376) if an option is of a wrong type."""
    found = wrong_option(kind, arguments)
    if found is None:
        return
    name, expected = found
    value = arguments[name]
    # A field that the repr leaves out may be a secret, so the message must not show its value.
    is_shown = kind.__dataclass_fields__[name].repr  # type: ignore[attr-defined] # it is a dataclass
    text = shown(value) if is_shown else f"of type {full_name(type(value))}"
    is_unquoted = expected == "a str" and isinstance(value, int | float) and is_shown  # such as a version
    remedy = f'Write {name}="{value}".' if is_unquoted else f"Give {expected}."
    raise OptionError("RW376", f"{kind.__name__}: {name} cannot be {text}.", remedy) from cause


if TYPE_CHECKING:  # type checkers compare calls with the fields

    class KnownOptions:
        """For type checkers: the class below without its metaclass, which would hide the fields from them."""

        __slots__ = ()
        __dataclass_fields__: ClassVar[dict[str, Any]]

else:

    class KnownOptions(metaclass=_CheckedClass):
        """The base class of dataclasses of options.

        Raises HandlerError for an option that does not exist (RW270), that is missing (RW377), or that has a value of a
        wrong type (RW376), unless the class has its own error for the mistake.
        """

        __slots__ = ()
