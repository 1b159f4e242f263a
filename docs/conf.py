"""How the documentation is built. Warnings are errors: see `make docs`."""

import sys
from pathlib import Path

import ropewalk

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "Ropewalk"
author = "The Ropewalk developers"
project_copyright = f"2026, {author}"
version = release = ropewalk.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "ropewalk_figures",
    "ropewalk_names",
    "ropewalk_pages",
    "ropewalk_tables",
    "ropewalk_reference",
]
exclude_patterns = ["_build", "_extensions", "_templates"]

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

default_role = "code"  # docstrings mark names in the same way as Markdown
smartquotes = False  # quotes are often part of code

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True
python_maximum_signature_line_length = 88
python_trailing_comma_in_multi_line_signatures = False

html_theme = "furo"
html_title = "Ropewalk"
html_static_path = ["_static"]
templates_path = ["_templates"]
html_additional_pages = {"404": "404.html"}
html_css_files = ["ropewalk.css"]
html_logo = "_static/logo.svg"
html_favicon = "_static/logo.svg"
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#7d4f1e",
        "color-brand-content": "#7d4f1e",
        "code-font-size": "78.125%",
    },
    "dark_css_variables": {"color-brand-primary": "#d9a566", "color-brand-content": "#d9a566"},
}
