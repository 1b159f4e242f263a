"""The command that installs an extra. All error messages about missing packages show it."""

import re
from collections.abc import Iterable
from typing import Final

_EXTRAS: Final = re.compile(r"(?<='/path/to/ropewalk\[)[\w,]+(?=\]')")


def install_command(extra: str, *more: str) -> str:
    """The command that installs an extra of Ropewalk, and the packages in `more`.

    Ropewalk is installed from a checkout or a wheel (docs/how-to/install.md), because no package index has it.
    """
    return " ".join(["pip install", *(f"'{each}'" for each in (f"/path/to/ropewalk[{extra}]", *more))])


def install_remedy(extra: str, *more: str) -> str:
    """The sentence that tells how to install an extra."""
    return f"Run `{install_command(extra, *more)}`, with the path of your checkout or wheel."


def add_extras(remedy: str, extras: Iterable[str]) -> str | None:
    """A remedy with a sentence of `install_remedy`, changed so that its command also installs these extras.

    None if the remedy has no such sentence.
    """
    found = _EXTRAS.search(remedy)
    if found is None:
        return None
    return _EXTRAS.sub(",".join(sorted({*found[0].split(","), *extras})), remedy)
