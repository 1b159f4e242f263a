"""The names of files that `Files` and `Static` never serve, such as `.git` and `.env`."""


def is_hidden(name: str) -> bool:
    """Whether a file or folder with this name gets a 404, even if it exists: if the name begins with a dot.

    `.well-known` is not hidden (RFC 8615). A text that cannot be the name of one file counts as hidden.
    """
    if "/" in name or "\0" in name or not name:
        return True
    return name.startswith(".") and name != ".well-known"
