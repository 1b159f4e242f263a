"""Sets the format of an engine's access log. The engine formats the lines, in `engine/src/access_format.rs`."""

from collections.abc import Callable, Sequence

from ropewalk._engine import Engine
from ropewalk.errors import StartError
from ropewalk.logs import LogOptions


def set_access_log(engine: Engine, style: str, options: LogOptions) -> tuple[str, ...]:
    """Set the format: the template or the fields of the options, else the style. Return the names of the fields that
    handlers and middleware set.

    Raises StartError (RW331) for a wrong template or wrong fields.
    """
    secrets = list(options.redact)
    if options.access_template is None and not options.access_fields:
        return tuple(engine.set_access_log(style, secrets=secrets))

    def set_format(style: str, *, template: str, fields: list[str]) -> list[str]:
        return engine.set_access_log(style, template=template, fields=fields, secrets=secrets)

    return _call(set_format, options.access_template, options.access_fields)


def check_access_log(template: str | None, fields: Sequence[str] = ()) -> None:
    """Raises StartError (RW331) for a wrong template or wrong fields."""
    _call(Engine.check_access_log, template, fields)


def _call(function: Callable[..., list[str]], template: str | None, fields: Sequence[str]) -> tuple[str, ...]:
    try:
        return tuple(
            function("fields" if template is None else "template", template=template or "", fields=list(fields))
        )
    except ValueError as error:
        what = "list of fields" if template is None else "template"
        raise StartError("RW331", f"The {what} of the access log is wrong: {error}.") from error
