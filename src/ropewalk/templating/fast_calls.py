"""Classes of Jinja with faster ways for the two things that templates do most: escape a value, and call a function.

They are made when Jinja, which is optional, is needed.
"""

from functools import cache
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from ropewalk.request import HTMLEscape

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.runtime import Context


@cache
def template_class() -> "type[Template]":
    """The class of templates. Values are escaped to plain str: Jinja would make a Markup of each, which is not needed,
    because a page is joined from plain texts.
    """
    from jinja2 import Template
    from markupsafe import escape

    plain_escape = HTMLEscape(escape)

    class FastTemplate(Template):
        @classmethod
        def from_code(
            cls,
            environment: Any,
            code: CodeType,
            globals: Any,  # noqa: A002 - Jinja's name
            uptodate: Any = None,
        ) -> "Template":
            template = super().from_code(environment, code, globals, uptodate)
            names: dict[str, Any] = template.root_render_func.__globals__
            if names.get("escape") is escape:  # compiled templates call it only for texts that they write to the page
                names["escape"] = plain_escape
            return template

    return FastTemplate


@cache
def context_class() -> "type[Context]":
    """The class of contexts. A function that takes the context of the template is marked by an attribute
    (`jinja2.pass_context`). So a function or method without attributes is called directly, without Jinja's search for
    the mark.
    """
    from jinja2.runtime import Context
    from jinja2.utils import internalcode

    class FastContext(Context):
        @internalcode
        def call(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
            kind = type(function)
            plain = function if kind is FunctionType else function.__func__ if kind is MethodType else None
            if type(plain) is FunctionType and not plain.__dict__:
                kwargs.pop("_block_vars", None)
                kwargs.pop("_loop_vars", None)
                try:
                    return function(*args, **kwargs)
                except StopIteration:
                    what = "value was undefined because a callable raised a StopIteration exception"
                    return self.environment.undefined(what)
            return super().call(function, *args, **kwargs)

    return FastContext
