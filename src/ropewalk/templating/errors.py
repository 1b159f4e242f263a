"""Errors in templates. Their messages name the template and the line."""

from collections.abc import Iterable, Mapping
from traceback import walk_tb
from typing import TYPE_CHECKING, Any, Final

from ropewalk.errors import HandlerError, relative, shown
from ropewalk.suggest import did_you_mean

if TYPE_CHECKING:
    from jinja2 import Environment

_ALWAYS: Final = ("request",)


class TemplateError(HandlerError):
    """RW291 to RW295: a template is missing or wrong. The message names its file and line."""


def as_template_error(error: Exception, environment: "Environment", names: Mapping[str, Any]) -> TemplateError | None:
    """The error to raise instead of an exception of Jinja. None for an exception of other code, which stays as it is.

    `names` are the names that the template got, for suggestions in the message.
    """
    import jinja2

    if isinstance(error, jinja2.TemplateSyntaxError):
        where = relative(error.filename or error.name or "a template", error.lineno)
        return TemplateError("RW294", f"{where}: {error.message}")
    if isinstance(error, jinja2.TemplateNotFound):
        return missing_template(str(error.name or ""), environment, place_in_template(error))
    if isinstance(error, jinja2.UndefinedError):
        return _undefined(error, environment, names)
    return None


def missing_template(name: str, environment: "Environment", place: str | None = None) -> TemplateError:
    """RW292: there is no template with this name. `place` is the line of the template that includes or extends it."""
    used = f", which {place} uses," if place else ""
    known = known_templates(environment)
    what = f"The template {shown(name)}{used} does not exist in {_folders(environment)}."
    return TemplateError("RW292", what, did_you_mean(name, known).lstrip() or None)


def missing_block(name: str, block: str, known: Iterable[str]) -> TemplateError:
    """RW292: a template has no block with this name."""
    blocks = sorted(known)
    what = f"The template {shown(name)} has no block {shown(block)}."
    remedy = did_you_mean(block, blocks).lstrip() or (
        f"It has {', '.join(blocks)}." if blocks else f"Write {{% block {block} %}} in it."
    )
    return TemplateError("RW292", what, remedy)


def lacking(function: str, what: str, remedy: str) -> TemplateError:
    """RW295: a function that a template calls needs something."""
    return TemplateError("RW295", f"The template calls {function}, {what}", remedy)


def place_in_template(error: BaseException) -> str | None:
    """The innermost line of a template in the traceback of an exception, such as `templates/page.html:3`."""
    place = None
    for frame, line in walk_tb(error.__traceback__):
        if "__jinja_exception__" in frame.f_globals:  # Jinja has given this frame the file and line of a template
            place = relative(frame.f_code.co_filename, line)
    return place


def known_templates(environment: "Environment") -> list[str]:
    """The names of all templates; empty if the loader cannot list them."""
    try:
        return environment.list_templates()
    except TypeError:
        return []


def _folders(environment: "Environment") -> str:
    paths = getattr(environment.loader, "searchpath", None)
    return ", ".join(relative(str(path), None).removesuffix(":None") for path in paths) if paths else "its loader"


def _undefined(error: Exception, environment: "Environment", names: Mapping[str, Any]) -> TemplateError:
    place = place_in_template(error) or "A template"
    name, owner = getattr(error, "name", None), getattr(error, "owner", None)
    if not isinstance(name, str):
        return TemplateError("RW293", f"{place}: {error}.")
    if owner is None:
        known = {*names, *environment.globals, *_ALWAYS}
        return TemplateError("RW293", f"{place}: {name} is not defined.", _suggestion(name, known))
    members = owner if isinstance(owner, Mapping) else (each for each in dir(owner) if not each.startswith("_"))
    known = {each for each in members if isinstance(each, str)}
    what = f"{place}: {name} is not defined in a value of type {type(owner).__qualname__}."
    remedy = _suggestion(name, known)
    if remedy is None and isinstance(owner, Mapping):
        remedy = f"If the key may be missing, write `.get({name!r})`, or `{{% if {name!r} in ... %}}`."
    return TemplateError("RW293", what, remedy)


def _suggestion(name: str, known: set[str]) -> str | None:
    return did_you_mean(name, known).lstrip() or None
