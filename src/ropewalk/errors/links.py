"""Where an error code is explained: a command, and a page if the documentation is published."""

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from typing import Final

PAGE: Final = "reference/errors.html"
"""The page of the documentation that has all codes, each with an anchor such as `#rw213`."""


def more_about(code: str) -> str:
    """The last line of an error message: `More: ropewalk explain RW213`, and the address of the page if there is one.

    The address comes from the URL with the label Documentation in the metadata of the package: `[project.urls]`.
    """
    address = page_of(code)
    return f"More: ropewalk explain {code}" + (f" or {address}" if address else "")


def page_of(code: str) -> str | None:
    """The address of the page that explains a code. None if the package has no URL of its documentation."""
    documentation = _documentation()
    return f"{documentation.rstrip('/')}/{PAGE}#{code.lower()}" if documentation else None


@cache
def _documentation() -> str | None:
    try:
        urls = metadata("ropewalk").get_all("Project-URL") or []
    except PackageNotFoundError:  # the sources are used without an installation
        return None
    labelled = dict(url.split(", ", 1) for url in urls if ", " in url)
    return labelled.get("Documentation")
