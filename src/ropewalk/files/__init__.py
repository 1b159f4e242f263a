"""Folders of files as resources."""

from ropewalk.files.resource import Files

__all__ = ["Files"]

Files.__module__ = __name__  # the package from which users import it
