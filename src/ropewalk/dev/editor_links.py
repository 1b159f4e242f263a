"""Links that open a line of a file in an editor."""

import os
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from ropewalk.errors import StartError, shown
from ropewalk.suggest import did_you_mean

EDITORS: Final = {
    "vscode": "vscode://file/{path}:{line}",
    "vscodium": "vscodium://file/{path}:{line}",
    "cursor": "cursor://file/{path}:{line}",
    "zed": "zed://file/{path}:{line}",
    "pycharm": "pycharm://open?file={path}&line={line}",
    "idea": "idea://open?file={path}&line={line}",
    "sublime": "subl://open?url=file://{path}&line={line}",
    "none": "",
}
"""The URLs of the editors that have a name."""

_UNSAFE: Final = ("javascript:", "data:", "vbscript:")


class EditorLinks:
    """Makes the links. `editor` is a name in EDITORS, or a URL with `{path}` and `{line}`.

    Raises StartError (RW310) for another text.
    """

    def __init__(self, editor: str) -> None:
        template = EDITORS.get(editor, editor)
        if template and ("{path}" not in template or "://" not in template or template.lower().startswith(_UNSAFE)):
            what = f"The editor {shown(editor)} is neither a known name nor a URL with {{path}}."
            hint = did_you_mean(editor, EDITORS).lstrip() or 'Give a URL like "editor://open?{path}:{line}", or a name.'
            raise StartError("RW310", what, f"{hint} The names are {', '.join(EDITORS)}.")
        self._template = template

    def to(self, file: str, line: int) -> str | None:
        """The URL for a line of a file. None if there is no editor, or no such file."""
        if not self._template or file.startswith("<"):
            return None
        return self._template.replace("{path}", quote(os.fsencode(file), safe="/")).replace("{line}", str(line))


Links = Callable[[str, int], str | None]
