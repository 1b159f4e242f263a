"""Folders of files as resources."""

from ropewalk.files.options import FOREVER, FilesOptions
from ropewalk.files.resource import Files

__all__ = ["FOREVER", "Files", "FilesOptions"]

for _class in (Files, FilesOptions):
    _class.__module__ = __name__  # the package from which users import it
