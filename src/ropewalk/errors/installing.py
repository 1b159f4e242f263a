"""The command that installs an extra. All error messages about missing packages show it."""


def install_command(extra: str, *more: str) -> str:
    """The command that installs an extra of Ropewalk, and the packages in `more`.

    Ropewalk is installed from a checkout or a wheel (docs/how-to/install.md), because no index has it.
    """
    return " ".join(["pip install", *(f"'{each}'" for each in (f"/path/to/ropewalk[{extra}]", *more))])


def install_remedy(extra: str, *more: str) -> str:
    """The sentence that tells how to install an extra."""
    return f"Run `{install_command(extra, *more)}`, with the path of your checkout or wheel."
