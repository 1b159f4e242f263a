"""The paths that `ropewalk dev` serves itself, in front of the app."""

from typing import Final

OWN: Final = "/_ropewalk/"
"""The beginning of these paths."""
SCRIPT: Final = f"{OWN}refresh.js"
EVENTS: Final = f"{OWN}events"
