"""Save a file under its final name in one step, so that other programs see either the whole file or none of it."""

import os
from collections.abc import Iterable
from pathlib import Path
from secrets import token_hex

from ropewalk.errors import HandlerError, shown


def save_atomically(parts: Iterable[bytes], path: Path, *, overwrite: bool, fsync: bool) -> None:
    """Write a file beside its final path, and then rename it. The file gets the permissions of a new file.

    Without `overwrite`, raises FileExistsError if the path exists. Raises HandlerError (RW277) if the path is a folder
    or has no name, and OSError if the file cannot be written. After an error, no part of the file is left.
    """
    if path.is_dir() or not path.name:
        raise HandlerError("RW277", f"A file was saved as {shown(str(path))}, which is a folder.")
    beside = path.with_name(f".{token_hex(16)}.part")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except OSError as error:  # name the folder or file that the program knows, not the temporary name
        error.filename = str(path.parent if isinstance(error, FileNotFoundError) else path)
        raise
    try:
        with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123 - it is a descriptor
            for part in parts:
                view = memoryview(part)
                while view:
                    view = view[file.write(view) :]
            if fsync:
                os.fsync(descriptor)
        if overwrite:
            beside.replace(path)
        else:
            os.link(beside, path)  # unlike a rename, it fails if the path exists
    finally:
        beside.unlink(missing_ok=True)
    if fsync:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Write the name of a new file to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
