"""The Jinja environment of `Templates`."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ropewalk.errors import OptionError, full_name, optional_package, shown
from ropewalk.templating.content_types import content_name
from ropewalk.templating.fast_calls import context_class, template_class
from ropewalk.templating.options import TemplatesOptions
from ropewalk.templating.page_functions import FUNCTIONS
from ropewalk.templating.undefined import strict_undefined

if TYPE_CHECKING:
    from jinja2 import Environment


def make_environment(folders: Any, options: TemplatesOptions) -> "Environment":
    """The environment for folders or a loader. Raises HandlerError (RW290, RW291)."""
    jinja2: Any = optional_package("jinja2", "jinja2", "ropewalk.templating", extra="templates", code="RW290")

    loader = folders if isinstance(folders, jinja2.BaseLoader) else jinja2.FileSystemLoader(_existing(folders))
    endings = options.text_endings
    environment: Environment = jinja2.Environment(
        loader=loader,
        autoescape=lambda name: name is None or not content_name(name).endswith(endings),
        undefined=jinja2.ChainableUndefined if options.lenient else strict_undefined(),
        trim_blocks=options.trim,
        lstrip_blocks=options.trim,
        extensions=options.extensions,
        enable_async=options.enable_async,
        auto_reload=bool(options.reload),
    )
    environment.template_class = template_class()
    environment.context_class = context_class()
    environment.globals.update({**FUNCTIONS, **options.globals})
    environment.filters.update(options.filters)
    environment.tests.update(options.tests)
    return environment


def _existing(folders: Any) -> list[str]:
    given = [folders] if isinstance(folders, str | PathLike) else folders
    if not isinstance(given, Iterable) or isinstance(given, bytes):
        what = f"Templates got {shown(given)}, of type {full_name(type(given))}."
        raise OptionError("RW291", what, "Give a folder, a list of folders, or a loader of Jinja.")
    paths = []
    for each in given:
        path = Path(each).absolute()
        if not path.is_dir():
            fault = "is not a folder" if path.exists() else "does not exist"
            raise OptionError("RW291", f"Templates({shown(str(each))}): {path} {fault}.")
        paths.append(str(path))
    return paths
