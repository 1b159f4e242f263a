"""The paths that `ropewalk dev` serves itself, in front of the app."""

from typing import Final

OWN: Final = "/_ropewalk/"
"""The beginning of the paths that `ropewalk dev` serves itself."""
SCRIPT: Final = f"{OWN}refresh.js"
EVENTS: Final = f"{OWN}events"
