"""What differs between pages: their language, and the base of the links on the page for unknown addresses."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

LANGUAGES = {"zh/": "zh-Hans"}
"""The language of the pages in a folder. Other pages are in English."""


def set_language(app: Sphinx, page: str, template: str, context: dict[str, Any], document: nodes.document) -> None:
    """State the language of a page, so that browsers choose the right fonts. Sphinx calls this for each page."""
    del template, document
    context["language"] = next((name for folder, name in LANGUAGES.items() if page.startswith(folder)), "en")
    context["baseurl"] = app.config.html_baseurl


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("html-page-context", set_language)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
