"""Pages from Jinja templates: `Templates`, and `render` as the value that a handler returns. They need the extra
`templates`."""

from ropewalk.templating.errors import TemplateError
from ropewalk.templating.htmx import is_htmx
from ropewalk.templating.options import TemplatesOptions
from ropewalk.templating.responses import TemplateResponse, render
from ropewalk.templating.templates import Templates

__all__ = ["TemplateError", "TemplateResponse", "Templates", "TemplatesOptions", "is_htmx", "render"]

TemplateResponse.__module__ = __name__  # the name that users import
